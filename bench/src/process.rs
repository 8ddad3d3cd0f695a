//! What a process has used, as Linux tells it (proc(5)).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::BenchResult;

/// CPU time and memory of a process and of those that it started.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    /// User and system time of all threads.
    pub(crate) cpu: Duration,
    /// Private and proportional shared memory, in bytes.
    pub(crate) memory: u64,
}

impl Usage {
    pub(crate) fn of(process: u32) -> BenchResult<Self> {
        let mut usage = Self::of_one(process)?;
        for thread in fs::read_dir(format!("/proc/{process}/task"))?.flatten() {
            // A thread may end meanwhile; what it started is then another's.
            let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            for child in children.split_whitespace() {
                let child = Self::of(child.parse()?).unwrap_or_default();
                usage.cpu += child.cpu;
                usage.memory += child.memory;
            }
        }
        Ok(usage)
    }

    fn of_one(process: u32) -> BenchResult<Self> {
        let (_, cpu) = stat(Path::new(&format!("/proc/{process}/stat")))?;
        let rollup = fs::read_to_string(format!("/proc/{process}/smaps_rollup"))?;
        let pss = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).ok_or("no Pss")?;
        let kibibytes: u64 = pss.trim().trim_end_matches("kB").trim().parse()?;
        Ok(Self { cpu, memory: kibibytes * 1_024 })
    }
}

/// CPU time of the threads of a process by their names, alike ones together. Threads that have ended are not among them.
pub(crate) fn threads(process: u32) -> BenchResult<BTreeMap<String, Duration>> {
    let mut threads = BTreeMap::new();
    for thread in fs::read_dir(format!("/proc/{process}/task"))?.flatten() {
        let Ok((name, cpu)) = stat(&thread.path().join("stat")) else { continue };
        let kind = name.trim_end_matches(|end: char| end.is_ascii_digit() || end == '-');
        *threads.entry(kind.to_owned()).or_default() += cpu;
    }
    Ok(threads)
}

/// Name and CPU time of a process or a thread.
fn stat(path: &Path) -> BenchResult<(String, Duration)> {
    let stat = fs::read_to_string(path)?;
    let (before, after) = stat.rsplit_once(')').ok_or("no name in stat")?;
    let (_, name) = before.split_once('(').ok_or("no name in stat")?;
    let fields: Vec<&str> = after.split_whitespace().collect();
    // utime and stime are fields 14 and 15; the name was field 2.
    let ticks: u64 = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
    Ok((name.to_owned(), Duration::from_millis(ticks * 1_000 / TICKS_PER_SECOND)))
}

/// `sysconf(_SC_CLK_TCK)`: 100 on every Linux platform that Rust supports.
const TICKS_PER_SECOND: u64 = 100;
