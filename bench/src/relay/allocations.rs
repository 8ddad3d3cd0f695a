//! Allocations: how fast they are made, how many are held, and what each takes.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use callbox_turn_proto::message::{
    Builder, Class, Integrity, LongTermKey, Message, Method, TransactionId, attribute,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::task::JoinSet;

use super::contender::Relay;
use crate::BenchResult;
use crate::scale::Scale;
use crate::timing::now;

/// What allocations cost a relay.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    /// Made a second, with the clients on the same cores.
    pub(super) per_second: f64,
    /// CPU microseconds of one more.
    pub(super) cpu: f64,
    /// Bytes of one more.
    pub(super) memory: f64,
    /// How many there were in the end, each of which was then refreshed.
    pub(super) count: usize,
    /// CPU microseconds of a refresh.
    pub(super) refresh: f64,
}

/// Makes 16,000 allocations and refreshes every one.
pub(super) async fn measure(relay: &Relay, scale: Scale) -> BenchResult<Held> {
    let count = scale.times(ALLOCATIONS, QUICK_ALLOCATIONS);
    // The first ones pay for buffers and tables that all share.
    let first = count / WARM_UP_SHARE;
    let mut clients = allocate(relay, 0..first).await?;
    let (before, began) = (relay.usage()?, now());
    clients.extend(allocate(relay, first..count).await?);
    let (after, seconds) = (relay.usage()?, began.elapsed().as_secs_f64());
    let counted = (count - first) as f64;
    let refreshed = refresh(clients).await?;
    let end = relay.usage()?;
    Ok(Held {
        per_second: counted / seconds,
        cpu: after.cpu.saturating_sub(before.cpu).as_secs_f64() * 1e6 / counted,
        memory: after.memory.saturating_sub(before.memory) as f64 / counted,
        count: refreshed,
        refresh: end.cpu.saturating_sub(after.cpu).as_secs_f64() * 1e6 / refreshed as f64,
    })
}

/// Lets this process, and each that it starts, have as many sockets open as the system allows.
pub(super) fn allow_many_sockets() -> BenchResult<()> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
    if maximum.is_some_and(|maximum| maximum < DESCRIPTORS_MIN) {
        return Err(format!("16,000 allocations need {DESCRIPTORS_MIN} open files: ulimit -Hn").into());
    }
    Ok(())
}

/// Makes the allocations of these numbers, a few at the same time.
async fn allocate(relay: &Relay, numbers: std::ops::Range<usize>) -> BenchResult<Vec<Client>> {
    let next = Arc::new(AtomicUsize::new(numbers.start));
    let mut hands = JoinSet::new();
    for _ in 0..HANDS {
        let (next, end, server) = (Arc::clone(&next), numbers.end, relay.address);
        let (username, password) = (relay.username.clone(), relay.password.clone());
        hands.spawn_blocking(move || {
            let mut clients = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= end {
                    return BenchResult::Ok(clients);
                }
                clients.push(Client::allocate(server, number, &username, &password)?);
            }
        });
    }
    let mut clients = Vec::with_capacity(numbers.len());
    while let Some(done) = hands.join_next().await {
        clients.extend(done??);
    }
    Ok(clients)
}

/// Refreshes every allocation: how many were still there.
async fn refresh(mut clients: Vec<Client>) -> BenchResult<usize> {
    let mut hands = JoinSet::new();
    let share = clients.len().div_ceil(HANDS);
    while !clients.is_empty() {
        let mut some = clients.split_off(clients.len().saturating_sub(share));
        hands.spawn_blocking(move || {
            some.iter_mut().try_for_each(Client::refresh)?;
            BenchResult::Ok(some)
        });
    }
    let mut refreshed = Vec::new();
    while let Some(done) = hands.join_next().await {
        // All are kept until the last one is done: nobody leaves before.
        refreshed.extend(done??);
    }
    Ok(refreshed.len())
}

/// Who has an allocation.
struct Client {
    socket: UdpSocket,
    username: String,
    realm: Vec<u8>,
    nonce: Vec<u8>,
    key: LongTermKey,
    /// Transactions so far.
    transactions: u32,
    number: usize,
}

impl Client {
    /// Asks without a credential, is told how to show one, and asks with it.
    fn allocate(server: SocketAddr, number: usize, username: &str, password: &str) -> BenchResult<Self> {
        let socket = UdpSocket::bind((own_address(number)?, 0))?;
        socket.connect(server)?;
        socket.set_read_timeout(Some(RETRANSMISSION_TIME))?;
        let mut client = Self {
            socket,
            username: username.to_owned(),
            realm: Vec::new(),
            nonce: Vec::new(),
            key: LongTermKey::md5("", "", ""),
            transactions: 0,
            number,
        };
        let mut buffer = [0; ANSWER_BYTES_MAX];
        let request = client.request(Method::Allocate).attribute(attribute::REQUESTED_TRANSPORT, &UDP);
        let refusal = client.exchange(request.finish(), &mut buffer)?;
        let told = |kind| refusal.attribute(kind).ok_or_else(|| format!("no refusal: {refusal:?}"));
        client.realm = told(attribute::REALM)?.to_owned();
        client.nonce = told(attribute::NONCE)?.to_owned();
        client.key = LongTermKey::md5(username, std::str::from_utf8(&client.realm)?, password);
        let request = client.request(Method::Allocate).attribute(attribute::REQUESTED_TRANSPORT, &UDP);
        client.succeed(request)?;
        Ok(client)
    }

    fn refresh(&mut self) -> BenchResult<()> {
        let request = self.request(Method::Refresh);
        self.succeed(request)
    }

    fn request(&mut self, method: Method) -> Builder {
        self.transactions += 1;
        let mut id = [0; 12];
        id[..8].copy_from_slice(&(self.number as u64).to_be_bytes());
        id[8..].copy_from_slice(&self.transactions.to_be_bytes());
        Builder::new(Class::Request, method, TransactionId(id))
    }

    /// Signs a request, which must then be granted.
    fn succeed(&self, request: Builder) -> BenchResult<()> {
        let signed = request
            .text(attribute::USERNAME, &self.username)
            .attribute(attribute::REALM, &self.realm)
            .attribute(attribute::NONCE, &self.nonce)
            .sign(Integrity::Sha1, self.key.bytes());
        let mut buffer = [0; ANSWER_BYTES_MAX];
        let answer = self.exchange(signed.finish(), &mut buffer)?;
        if answer.class() == Class::Success {
            return Ok(());
        }
        Err(format!("allocation {}: {:?} refused: {:?}", self.number, answer.method(), answer.error()).into())
    }

    /// Sends a request, more than once where no answer comes.
    fn exchange<'a>(&self, request: Vec<u8>, buffer: &'a mut [u8]) -> BenchResult<Message<'a>> {
        for _ in 0..TRIES {
            self.socket.send(&request)?;
            match self.socket.recv(buffer) {
                Ok(length) => return Ok(Message::parse(&buffer[..length])?),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(format!("allocation {} was never answered", self.number).into())
    }
}

/// Each client has an address of its own, as clients have. It also keeps clear of the relay's ports.
fn own_address(number: usize) -> BenchResult<Ipv4Addr> {
    Ok(Ipv4Addr::from_bits(FIRST_ADDRESS.to_bits() + u32::try_from(number)?))
}

const ALLOCATIONS: usize = 16_000;
const QUICK_ALLOCATIONS: usize = 500;
/// Of which one in so many comes before the measurement.
const WARM_UP_SHARE: usize = 16;
const HANDS: usize = 16;
const FIRST_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 64, 0, 1);
/// For the allocations, and for everything else.
const DESCRIPTORS_MIN: u64 = 16_500;
/// REQUESTED-TRANSPORT: 17 is UDP.
const UDP: [u8; 4] = [17, 0, 0, 0];
const ANSWER_BYTES_MAX: usize = 1_500;
/// RFC 8489, section 6.2.1.
const RETRANSMISSION_TIME: Duration = Duration::from_millis(500);
const TRIES: usize = 7;
