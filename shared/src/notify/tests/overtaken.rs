//! Which notices come too late.

use super::*;

/// One line a notice, one column a state in their order: `-` where it is still of use, `x` where it comes too late.
const TABLE: &str = "
    notice                upload check mend sched first await final later compl  except cancel failed
    received              -      -     -    -     -     -     -     x     x      x     x      x
    accepted              -      -     -    -     -     -     -     x     x      x     x      x
    refused_1             -      -     -    -     -     -     -     x     x      x     x      x
    scheduled             -      -     -    -     -     -     -     x     x      x     x      x
    found_again_1         x      x     x    -     x     x     x     x     x      x     x      x
    started               x      x     x    x     -     x     x     x     x      x     x      x
    first_pass_done       -      -     -    -     -     -     -     x     x      x     x      x
    dns_seen              x      x     x    x     x     -     -     x     x      x     x      x
    finished              -      -     -    -     -     -     -     -     -      -     -      -
    failed                -      -     -    -     -     -     -     -     -      -     -      -
    cancelled             -      -     -    -     -     -     -     -     -      -     -      -
    looked_again_1        -      -     -    -     -     -     -     -     -      -     -      -
    forgotten_soon_1      -      -     -    x     x     -     x     x     x      x     x      x
    imported_0000000000000007 -  -     -    -     -     -     -     -     -      -     x      x
    needs_staff_given_up  -      -     -    -     -     -     -     -     -      -     x      -
    needs_staff_all_failed -     -     -    -     -     -     -     -     -      -     x      -
    needs_staff_late      -      -     -    -     -     -     -     -     x      x     x      x
";

#[test]
fn what_asks_or_promises_is_overtaken_as_the_table_says() {
    let lines: Vec<&str> = TABLE
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .skip(1)
        .collect();
    for kind in EVERY_KIND {
        let is_there = |line: &&str| {
            let name = line
                .split_whitespace()
                .next()
                .and_then(|name| name.parse::<NoticeKind>().ok());
            name.is_some_and(|name| name.word() == kind.word())
        };
        assert!(lines.iter().any(is_there), "{kind} is not in the table");
    }
    for line in lines {
        let mut cells = line.split_whitespace();
        let kind: NoticeKind = cells.next().unwrap().parse().unwrap();
        for state in RequestState::ALL {
            let cell = if is_overtaken(kind, state) { "x" } else { "-" };
            assert_eq!(cells.next(), Some(cell), "{kind} {state}");
        }
        assert_eq!(cells.next(), None, "{kind}");
    }
}

#[test]
fn final_copy_begins_by_itself_only_where_the_dns_tells_of_every_mailbox() {
    let written = |jobs: &[JobRecord], profile: &Profile| {
        let request = request(RequestState::AwaitingCutover);
        compose(NoticeKind::FirstPassDone, &request, &facts(jobs, &[], &[]), profile).unwrap()
    };
    let stays = job(2, "anna", JobState::AwaitingCutover, Pass::First);
    let moves = JobRecord {
        destination: "anna@example.net".parse().unwrap(),
        ..stays.clone()
    };
    let mail = written(std::slice::from_ref(&stays), &profile());
    assert!(mail.text.contains("you need not tell us") && !mail.text.contains("Then tell us"));
    assert!(mail.html.contains("you need not tell us") && mail.text.contains("10 mx1.example.net"));
    let mail = written(std::slice::from_ref(&moves), &profile());
    assert!(mail.text.contains("Then tell us") && !mail.text.contains("need not tell us"));
    let mut unwatched = profile();
    unwatched.dns = None;
    let mail = written(&[stays], &unwatched);
    assert!(mail.html.contains("Then tell us") && !mail.text.contains("mx1.example.net"));
}
