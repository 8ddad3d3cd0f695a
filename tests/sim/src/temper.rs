//! How a seed is inclined: each one does some things often and others never, so that together they reach corners that
//! an average of everything would not.

use crate::dice::Dice;

/// Weights of what may happen, and shares in percent.
#[derive(Debug, Clone)]
pub(crate) struct Temper {
    pub(crate) nodes: usize,
    pub(crate) people: usize,
    pub(crate) steps: usize,
    pub(crate) cut: u32,
    pub(crate) crash: u32,
    pub(crate) reload: u32,
    pub(crate) end_session: u32,
    pub(crate) send: u32,
    pub(crate) read: u32,
    pub(crate) time: u32,
    /// How eagerly the bus is worked off.
    pub(crate) bus: u32,
    /// How eagerly the database reads.
    pub(crate) reads: u32,
    /// How eagerly servers go on with what waited for the database.
    pub(crate) work: u32,
    /// Of a hundred notices so many are lost.
    pub(crate) notices_lost: u32,
    /// Of a hundred jobs so many are refused by the database.
    pub(crate) jobs_refused: u32,
    /// Of a hundred messages so many are near the limit.
    pub(crate) long_texts: u32,
    /// Frames that fit into the network; then the server waits.
    pub(crate) window: usize,
    /// Events in a page of the log.
    pub(crate) page: u32,
    /// Everyone is connected before the first fault.
    pub(crate) is_calm_first: bool,
    /// After the storm the bus loses everything.
    pub(crate) is_deaf: bool,
    /// Nothing is lost between the nodes, so that nobody needs to look into the store for what was.
    pub(crate) is_told_all: bool,
}

impl Temper {
    pub(crate) fn throw(dice: &mut Dice) -> Self {
        let temper = Self {
            nodes: dice.pick(&[1, 2, 2, 2, 3]),
            people: dice.pick(&[2, 2, 3]),
            steps: dice.pick(&[60, 120, 200]),
            cut: dice.pick(&[0, 2, 6, 15]),
            crash: dice.pick(&[0, 0, 2, 4]),
            reload: dice.pick(&[0, 1, 4]),
            end_session: dice.pick(&[0, 0, 1, 3]),
            send: dice.pick(&[2, 6, 15]),
            read: dice.pick(&[0, 3, 8]),
            time: dice.pick(&[4, 12, 25]),
            bus: dice.pick(&[1, 4, 30]),
            notices_lost: dice.pick(&[0, 0, 10, 50, 100]),
            work: dice.pick(&[30, 30, 3]),
            reads: dice.pick(&[30, 30, 2]),
            jobs_refused: dice.pick(&[0, 0, 0, 5]),
            long_texts: dice.pick(&[0, 0, 0, 0, 0, 0, 30]),
            window: dice.pick(&[1, 3, 64]),
            page: dice.pick(&[1, 1, 2, 5, 100]),
            is_calm_first: dice.chance(80),
            is_deaf: dice.chance(50),
            is_told_all: dice.chance(25),
        };
        if temper.is_told_all {
            // A crash takes along what its node was about to tell.
            return Self { crash: 0, notices_lost: 0, is_deaf: false, ..temper };
        }
        temper
    }
}
