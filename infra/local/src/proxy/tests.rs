use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Instant;

use super::*;

/// A server that sends back what it gets.
fn echo() -> SocketAddr {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut writer = stream.try_clone().unwrap();
                let _ = std::io::copy(&mut stream, &mut writer);
                let _ = writer.shutdown(std::net::Shutdown::Write);
            });
        }
    });
    address
}

fn connect(proxy: &Proxy) -> TcpStream {
    let stream = TcpStream::connect(proxy.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    stream
}

#[test]
fn bytes_are_delayed_but_not_throttled() {
    let network = Network {
        round_trip: Duration::from_millis(40),
        ..Network::default()
    };
    let proxy = Proxy::start(echo(), network).unwrap();
    let mut stream = connect(&proxy);
    let start = Instant::now();
    let sent = vec![7; 4 << 20];
    let mut writer = stream.try_clone().unwrap();
    let copy = sent.clone();
    let thread = std::thread::spawn(move || writer.write_all(&copy).unwrap());
    let mut first = [0];
    stream.read_exact(&mut first).unwrap();
    assert!(start.elapsed() >= Duration::from_millis(40));
    let mut rest = vec![0; sent.len() - 1];
    stream.read_exact(&mut rest).unwrap();
    thread.join().unwrap();
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    assert!(rest.iter().all(|byte| *byte == 7));
    assert_eq!(proxy.counters().bytes_to_client, 4 << 20);
}

#[test]
fn bandwidth_is_capped() {
    let network = Network {
        bandwidth: Some(1 << 20),
        ..Network::default()
    };
    let proxy = Proxy::start(echo(), network).unwrap();
    let mut stream = connect(&proxy);
    let start = Instant::now();
    stream.write_all(&vec![7; 256 << 10]).unwrap();
    stream.read_exact(&mut vec![0; 256 << 10]).unwrap();
    assert!(start.elapsed() >= Duration::from_millis(200), "{:?}", start.elapsed());
}

#[test]
fn no_more_than_is_allowed_reaches_clients() {
    let proxy = Proxy::start(echo(), Network::default()).unwrap();
    proxy.allow_to_clients(1000);
    let mut stream = connect(&proxy);
    for allowed in [1000, 2000] {
        proxy.allow_to_clients(allowed);
        stream.write_all(&[7; 1000]).unwrap();
        stream.read_exact(&mut [0; 1000]).unwrap();
    }
    stream.write_all(b"x").unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    assert!(stream.read_exact(&mut [0]).is_err(), "a byte too many came through");
    proxy.allow_to_clients(u64::MAX);
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    stream.read_exact(&mut [0]).unwrap();
}

#[test]
fn a_connection_is_cut_after_exactly_so_many_bytes_and_the_next_is_not() {
    let cut = Cut {
        after_bytes: 1000,
        direction: Direction::ToClient,
        ending: Ending::Close,
        each: false,
    };
    let network = Network {
        cut: Some(cut),
        ..Network::default()
    };
    let proxy = Proxy::start(echo(), network).unwrap();
    let mut stream = connect(&proxy);
    stream.write_all(&[7; 5000]).unwrap();
    let mut got = Vec::new();
    stream.read_to_end(&mut got).unwrap();
    assert_eq!(got.len(), 1000);
    let mut stream = connect(&proxy);
    stream.write_all(&[7; 5000]).unwrap();
    stream.read_exact(&mut [0; 5000]).unwrap();
    assert_eq!(proxy.counters().cut, 1);
}

#[test]
fn a_cut_that_waits_ends_a_connection_that_was_open_before() {
    let proxy = Proxy::start(echo(), Network::default()).unwrap();
    let (mut one, mut other) = (connect(&proxy), connect(&proxy));
    for stream in [&mut one, &mut other] {
        stream.write_all(&[7; 500]).unwrap();
        stream.read_exact(&mut [0; 500]).unwrap();
    }
    proxy.cut_once(Cut {
        after_bytes: 100,
        direction: Direction::ToClient,
        ending: Ending::Close,
        each: false,
    });
    one.write_all(&[7; 60]).unwrap();
    one.read_exact(&mut [0; 60]).unwrap();
    assert_eq!((proxy.waiting_cuts(), proxy.counters().cut), (1, 0));
    other.write_all(&[7; 300]).unwrap();
    let mut rest = Vec::new();
    other.read_to_end(&mut rest).unwrap();
    assert_eq!(rest.len(), 100);
    assert_eq!((proxy.waiting_cuts(), proxy.counters().cut), (0, 1));
    one.write_all(&[7; 300]).unwrap();
    one.read_exact(&mut [0; 300]).unwrap();
}

#[test]
fn an_answer_is_lost_where_there_was_much_to_answer_to() {
    let proxy = Proxy::start(echo(), Network::default()).unwrap();
    let mut stream = connect(&proxy);
    proxy.lose_answer(500, Ending::Close);
    stream.write_all(&[7; 60]).unwrap();
    stream.read_exact(&mut [0; 60]).unwrap();
    assert_eq!(proxy.waiting_cuts(), 1);
    stream.write_all(&[7; 600]).unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    assert_eq!((rest.len(), proxy.waiting_cuts()), (0, 0));
    assert_eq!(proxy.counters().bytes_to_server, 660);
}

#[test]
fn a_cut_that_waits_for_long_may_be_made_now() {
    let proxy = Proxy::start(echo(), Network::default()).unwrap();
    let mut stream = connect(&proxy);
    proxy.lose_answer(500, Ending::Close);
    proxy.cut_now();
    stream.write_all(&[7; 60]).unwrap();
    assert_eq!(stream.read(&mut [0; 60]).unwrap(), 0);
    assert_eq!(proxy.counters().cut, 1);
}

#[test]
fn a_cut_by_reset_is_seen_as_one() {
    let cut = Cut {
        after_bytes: 10,
        direction: Direction::ToServer,
        ending: Ending::Reset,
        each: true,
    };
    let proxy = Proxy::start(
        echo(),
        Network {
            cut: Some(cut),
            ..Network::default()
        },
    )
    .unwrap();
    for _ in 0..2 {
        let mut stream = connect(&proxy);
        stream.write_all(&[7; 5000]).unwrap();
        let error = stream.read_to_end(&mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }
    assert_eq!(proxy.counters().cut, 2);
}

#[test]
fn connections_are_dropped_and_refused_on_demand() {
    let proxy = Proxy::start(echo(), Network::default()).unwrap();
    let mut stream = connect(&proxy);
    stream.write_all(b"a").unwrap();
    stream.read_exact(&mut [0]).unwrap();
    proxy.drop_connections();
    assert!(!matches!(stream.read(&mut [0]), Ok(1..)));
    proxy.set_refusing(true);
    assert!(!matches!(connect(&proxy).read(&mut [0]), Ok(1..)));
    proxy.set_refusing(false);
    let mut stream = connect(&proxy);
    stream.write_all(b"a").unwrap();
    stream.read_exact(&mut [0]).unwrap();
    let counters = proxy.counters();
    assert_eq!((counters.connections, counters.refused, counters.open), (2, 1, 1));
}
