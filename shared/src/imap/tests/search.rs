//! Which messages are there: in every form of the answer, and not answered at all.

use super::super::survey::{Ask, Pace, Question, Told, survey};
use super::scripted;

/// What is told of the messages up to 40, or the refusal.
async fn present(answer: &'static str, briefly: bool) -> Result<String, String> {
    let question = Question {
        wire_name: "a".to_owned(),
        selects: false,
        asks: vec![Ask::Present { last: 40, briefly }],
    };
    let answer = format!("* 3 EXISTS\r\n* OK [UIDVALIDITY 7]\r\nv1 OK\r\n{answer}");
    let (mut session, _server) = scripted(vec![("v2 UID", answer.leak())]);
    let mut told = Vec::new();
    survey(
        &mut session,
        &[question],
        Pace::Ahead,
        || true,
        |_, heard| match heard {
            Told::Present(uids) => told.push(Ok(uids.to_string())),
            Told::Refused(_, error) => told.push(Err(error.to_string())),
            _ => {}
        },
    )
    .await
    .unwrap();
    let sets = told.into_iter().collect::<Result<Vec<String>, String>>()?;
    Ok(sets.join(" "))
}

#[tokio::test]
async fn found_messages_are_a_set_in_every_form_of_the_answer() {
    for (answer, set) in [
        ("* ESEARCH (TAG \"v2\") UID ALL 4:19,21,28\r\nv2 OK\r\n", "4:19,21,28"),
        (
            "* ESEARCH (TAG v2) UID COUNT 3 ALL 28,21,4 MODSEQ 7\r\nv2 OK\r\n",
            "4,21,28",
        ),
        ("* ESEARCH UID ALL 9:7,3:1,2:4,8:10\r\nv2 OK\r\n", "1:4,7:10"),
        ("* ESEARCH (TAG v2) UID\r\nv2 OK\r\n", ""),
    ] {
        assert_eq!(present(answer, true).await.as_deref(), Ok(set), "{answer}");
    }
}

/// What was not understood must not pass for deleted.
#[tokio::test]
async fn answer_that_does_not_say_what_was_found_is_a_refusal() {
    for answer in [
        "v2 OK\r\n",
        "* ESEARCH (TAG \"v2\") UID ALL $\r\nv2 OK\r\n",
        "* ESEARCH (TAG \"v2\") UID ALL\r\nv2 OK\r\n",
        "* ESEARCH (TAG \"v2\") UID ALL 0:4\r\nv2 OK\r\n",
        "* SEARCH 1 2 3\r\nv2 OK\r\n",
    ] {
        let told = present(answer, true).await.unwrap_err();
        assert!(told.contains("does not say in numbers"), "{answer}: {told}");
    }
}

#[tokio::test]
async fn without_extended_search_each_message_is_named() {
    let answer = "* 1 FETCH (UID 4)\r\n* 2 FETCH (UID 40)\r\n* 3 FETCH (UID 41)\r\nv2 OK\r\n";
    assert_eq!(present(answer, false).await.as_deref(), Ok("4 40"));
}
