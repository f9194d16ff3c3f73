//! One connection through the proxy: two directions, each a reader, a queue and a writer.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::waiting::Candidate;
use super::{Cut, Direction, Ending, State, reset};

const PIECE_BYTES: usize = 16 << 10;
/// 64 MiB under way: more than 1 Gbit/s fills in half a second.
const PIECES_UNDER_WAY: usize = 4096;

struct Piece {
    due: Instant,
    bytes: Vec<u8>,
}

/// Carries bytes both ways until an end is reached.
pub(super) async fn relay(mut client: TcpStream, mut server: TcpStream, state: &State) {
    let _ = client.set_nodelay(true);
    let _ = server.set_nodelay(true);
    let mut generation = state.generation.subscribe();
    let ending = {
        let (client_read, client_write) = client.split();
        let (server_read, server_write) = server.split();
        let unanswered = AtomicU64::new(0);
        let to_server = carry(client_read, server_write, Direction::ToServer, &unanswered, state);
        let to_client = carry(server_read, client_write, Direction::ToClient, &unanswered, state);
        let both = async {
            tokio::pin!(to_server, to_client);
            // An end of one side is passed on; the other side may still have something to say.
            tokio::select! {
                Some(ending) = &mut to_server => ending,
                Some(ending) = &mut to_client => ending,
                else => Ending::Close,
            }
        };
        tokio::select! {
            ending = both => ending,
            _ = generation.changed() => Ending::Reset,
        }
    };
    match ending {
        Ending::Close => close(client, server).await,
        Ending::Reset => {
            reset(&client);
            reset(&server);
        }
        Ending::Silence => {
            let _ = generation.changed().await;
        }
    }
}

/// Ends both sides by FIN. What still comes is read for a moment: a socket that is closed with
/// unread bytes sends RST instead.
async fn close(mut client: TcpStream, mut server: TcpStream) {
    let _ = client.shutdown().await;
    let _ = server.shutdown().await;
    let (mut none, mut nothing) = (tokio::io::sink(), tokio::io::sink());
    let rest = async {
        tokio::join!(
            tokio::io::copy(&mut client, &mut none),
            tokio::io::copy(&mut server, &mut nothing),
        )
    };
    let _ = tokio::time::timeout(Duration::from_secs(1), rest).await;
}

/// Carries one direction; gives how the whole connection ends, or `None` if only this direction
/// is at its end.
async fn carry(
    mut from: ReadHalf<'_>,
    to: WriteHalf<'_>,
    direction: Direction,
    unanswered: &AtomicU64,
    state: &State,
) -> Option<Ending> {
    let (queue, pieces) = mpsc::channel::<Piece>(PIECES_UNDER_WAY);
    let read = async move {
        loop {
            let mut bytes = Vec::with_capacity(PIECE_BYTES);
            match from.read_buf(&mut bytes).await {
                Ok(1..) => {}
                Ok(0) | Err(_) => break,
            }
            let half = state.settings().network.round_trip / 2;
            if queue
                .send(Piece {
                    due: Instant::now() + half,
                    bytes,
                })
                .await
                .is_err()
            {
                break;
            }
        }
    };
    let write = write(to, pieces, Candidate::new(state, direction, unanswered), state);
    tokio::pin!(read, write);
    tokio::select! {
        ending = &mut write => ending,
        () = read => write.await,
    }
}

async fn write(
    mut to: WriteHalf<'_>,
    mut pieces: mpsc::Receiver<Piece>,
    mut candidate: Candidate<'_>,
    state: &State,
) -> Option<Ending> {
    let direction = candidate.direction();
    let cut = state.settings().network.cut.filter(|cut| cut.direction == direction);
    let mut written = 0_u64;
    let mut free_at = Instant::now();
    while let Some(Piece { due, mut bytes }) = pieces.recv().await {
        sleep_until(due.max(free_at)).await;
        state.allowed(direction, bytes.len()).await;
        let mut ending = None;
        if let Some(cut) = cut {
            let left = left(cut, written);
            if left <= bytes.len() && state.take_cut(cut) {
                bytes.truncate(left);
                ending = Some(cut.ending);
            }
        }
        if ending.is_none()
            && let Some((left, how)) = candidate.cut(bytes.len())
        {
            bytes.truncate(left);
            ending = Some(how);
        }
        if to.write_all(&bytes).await.is_err() {
            return Some(Ending::Reset);
        }
        written += bytes.len() as u64;
        candidate.gone(bytes.len());
        state.count_bytes(direction, bytes.len());
        if ending.is_some() {
            return ending;
        }
        if let Some(rate) = state.settings().network.bandwidth {
            let busy = Duration::from_nanos(bytes.len() as u64 * 1_000_000_000 / rate.max(1));
            free_at = free_at.max(Instant::now()) + busy;
        }
    }
    let _ = to.shutdown().await;
    None
}

/// How many more bytes arrive before a cut.
fn left(cut: Cut, written: u64) -> usize {
    usize::try_from(cut.after_bytes.saturating_sub(written)).unwrap_or(usize::MAX)
}
