use proptest::prelude::*;

use super::*;

const CAPACITY: Capacity = Capacity {
    mailboxes: 10,
    bytes_per_second: 10_000_000,
    host_mailboxes: 5,
    connections: 48,
    host_bytes_per_second: 4_000_000,
};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    at("2026-11-20T12:00:00Z")
}

/// Eight hours of a night.
fn night() -> Window {
    Window::parse("2026-11-25T22:00", Some("2026-11-26T06:00"), "Europe/Berlin", now()).unwrap()
}

fn loads(hosts: &[(&str, u32, i64)]) -> Loads {
    let load = |(host, mailboxes, gigabytes): &(&str, u32, i64)| {
        let load = Load {
            mailboxes: *mailboxes,
            bytes: gigabytes * 1_000_000_000,
        };
        ((*host).to_owned(), load)
    };
    hosts.iter().map(load).collect()
}

#[test]
fn of_very_many_servers_the_largest_are_planned_for_one_by_one() {
    let many: Loads = (0..5_000)
        .map(|n| (format!("imap.d{n}.example"), Load { mailboxes: 1, bytes: n }))
        .collect();
    let sum = |loads: &Loads| loads.values().copied().fold(Load::default(), Load::and);
    let few = summed_up(many.clone());
    assert_eq!((few.len(), sum(&few)), (MOST_HOSTS + 1, sum(&many)));
    assert!(few.contains_key("imap.d4999.example") && !few.contains_key("imap.d4899.example"));
    // The others are no server with a limit of its own.
    assert_eq!(limited(&few).count(), MOST_HOSTS + 1);
    assert_eq!(summed_up(few.clone()).len(), few.len());
}

#[test]
fn a_size_that_nobody_can_have_takes_no_more_than_two_weeks() {
    let (reservation, fit) = CAPACITY.place(None, &loads(&[("a", 1, 5_000_000_000)]), &[], now());
    let end = reservation.end().unwrap();
    assert_eq!((end.duration_since(now()), fit), (MAX_LENGTH, Fit::Fits));
}

#[test]
fn time_is_that_of_what_is_scarcest() {
    for (hosts, seconds) in [
        (&[("a", 1, 0)][..], 60),
        (&[("a", 1, 4)], 1_000),
        (&[("a", 1, 4), ("b", 1, 4)], 1_000),
        (&[("a", 1, 4), ("b", 1, 4), ("c", 1, 4)], 1_200),
        (&[("a", 500, 0)], 2_000),
        (&[("a", 500, 0), ("b", 500, 0), ("c", 500, 0)], 3_000),
    ] {
        let time = CAPACITY.time_for(&loads(hosts));
        assert_eq!(time, SignedDuration::from_secs(seconds), "{hosts:?}");
    }
}

#[test]
fn connections_bound_the_mailboxes_at_once() {
    // Of 10 mailboxes in all and 5 of a server, there are connections for 4 and for 2.
    let narrow = Capacity {
        connections: 12,
        ..CAPACITY
    };
    let held = narrow.within_connections(3, 8);
    assert_eq!((held.mailboxes, held.host_mailboxes), (4, 2));
    assert_eq!(CAPACITY.within_connections(3, 60), CAPACITY);
    // A server that takes fewer than a mailbox has lanes still takes a mailbox.
    assert_eq!(held.within_connections(8, 1).host_mailboxes, 1);
    // 3,000 small mailboxes of a server: with five at once they fit a night, with two they do not.
    let many = loads(&[("a", 3_000, 0)]);
    assert_eq!(CAPACITY.place(Some(&night()), &many, &[], now()).1, Fit::Fits);
    let (_, fit) = held.place(Some(&night()), &many, &[], now());
    assert_eq!(fit, Fit::TooLong(SignedDuration::from_secs(30_000)));
    let next = held.next_that_fits(&night(), &many, &[], now(), |_| true).unwrap();
    assert_eq!(held.place(Some(&next), &many, &[], now()).1, Fit::Fits);
}

#[test]
fn frame_is_full_when_its_server_is_and_for_that_server_only() {
    // 8 hours at 4 MB/s are 115 GB of a server.
    let (first, fit) = CAPACITY.place(Some(&night()), &loads(&[("a", 10, 80)]), &[], now());
    assert_eq!(fit, Fit::Fits);
    let place = |host, gigabytes| {
        CAPACITY
            .place(
                Some(&night()),
                &loads(&[(host, 10, gigabytes)]),
                std::slice::from_ref(&first),
                now(),
            )
            .1
    };
    assert_eq!(
        (place("a", 30), place("a", 40), place("b", 40)),
        (Fit::Fits, Fit::Full, Fit::Fits)
    );
    // The next night has room.
    let next = CAPACITY.next_that_fits(&night(), &loads(&[("a", 10, 40)]), &[first], now(), |_| true);
    assert_eq!(next.unwrap().start(), at("2026-11-26T22:00:00+01:00"));
}

#[test]
fn frames_that_only_touch_do_not_share() {
    let (first, _) = CAPACITY.place(Some(&night()), &loads(&[("a", 10, 110)]), &[], now());
    let after = Window::parse("2026-11-26T06:00", Some("2026-11-26T14:00"), "Europe/Berlin", now()).unwrap();
    let overlapping = Window::parse("2026-11-26T05:59", Some("2026-11-26T13:59"), "Europe/Berlin", now()).unwrap();
    let fit = |window: &Window| {
        CAPACITY
            .place(
                Some(window),
                &loads(&[("a", 10, 110)]),
                std::slice::from_ref(&first),
                now(),
            )
            .1
    };
    assert_eq!((fit(&after), fit(&overlapping)), (Fit::Fits, Fit::Full));
}

#[test]
fn what_is_longer_than_the_frame_is_told_a_longer_one() {
    // 200 GB take 50,000 seconds.
    let hosts = loads(&[("a", 10, 200)]);
    let (placed, fit) = CAPACITY.place(Some(&night()), &hosts, &[], now());
    assert_eq!(fit, Fit::TooLong(SignedDuration::from_secs(50_000)));
    assert_eq!(
        (placed.spans.len(), placed.end()),
        (2, Some(at("2026-11-27T06:00:00+01:00")))
    );
    let next = CAPACITY.next_that_fits(&night(), &hosts, &[], now(), |_| true).unwrap();
    assert_eq!(
        (next.start(), next.end()),
        (night().start(), Some(at("2026-11-26T12:00:00+01:00")))
    );
    // Nothing is that long.
    assert_eq!(
        CAPACITY.next_that_fits(&night(), &loads(&[("a", 10, 10_000)]), &[], now(), |_| true),
        None
    );
}

#[test]
fn without_a_frame_there_is_always_a_place() {
    let hosts = loads(&[("a", 10, 200)]);
    let (first, fit) = CAPACITY.place(None, &hosts, &[], now());
    assert_eq!((fit, first.spans.len()), (Fit::Fits, 1));
    assert_eq!(CAPACITY.place(None, &hosts, &[first], now()).1, Fit::Fits);
}

proptest! {
    /// Requests that come one after the other and take what they are told, or the next that fits, never need
    /// more than there is.
    #[test]
    fn promises_are_never_more_than_there_is(
        wishes in prop::collection::vec((0_usize..3, 1_u32..300, 0_i64..100, 0_i64..10), 1..25),
    ) {
        let mut promised: Vec<Reservation> = Vec::new();
        for (host, mailboxes, gigabytes, day) in wishes {
            let hosts = loads(&[(["a", "b", "c"][host], mailboxes, gigabytes)]);
            let window = night().days_later(day).unwrap();
            let (placed, fit) = CAPACITY.place(Some(&window), &hosts, &promised, now());
            let placed = match fit {
                Fit::Fits => placed,
                Fit::Full | Fit::TooLong(_) => {
                    let next = CAPACITY.next_that_fits(&window, &hosts, &promised, now(), |_| true);
                    let Some(next) = next else { continue };
                    prop_assert!(next.start() >= window.start());
                    CAPACITY.place(Some(&next), &hosts, &promised, now()).0
                }
            };
            promised.push(placed);
        }
        for at in promised.iter().flat_map(|one| &one.spans).map(|span| span.from) {
            for host in [None, Some("a"), Some("b"), Some("c")] {
                let active = promised.iter().filter(|one| one.covers(at));
                let sum = active.map(|one| CAPACITY.share(one, host)).fold([0, 0], |[a, b], [c, d]| [a + c, b + d]);
                prop_assert!(sum[0] <= WHOLE && sum[1] <= WHOLE, "{} {:?} {:?}", at, host, sum);
            }
        }
    }
}
