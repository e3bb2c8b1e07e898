//! Deciding about a finding: by a form of our own page, with a reason, kept with its history.

use analysis::findings::Status;

use crate::client::Client;
use crate::fixture;
use crate::running::Running;

fn token(client: &Client) -> String {
    let page = client.get("/").body;
    page.split_once("name=\"token\" value=\"").unwrap().1.get(..64).unwrap().to_owned()
}

#[test]
fn a_decision_is_kept_and_shown() {
    let running = Running::new(fixture::full());
    let client = running.client();
    let fingerprint = fixture::full().snapshot.findings[0].fingerprint;
    let path = format!("/findings/{fingerprint}");
    let form = format!(
        "token={}&was=new&status=suppressed&reason=accepted%3Cscript%3E+by+Ana",
        token(&client)
    );
    let answer = client.post(&format!("{path}/status"), &form);
    assert_eq!((answer.status, answer.field("location")), (303, path.as_str()));
    let decided = running.decided.lock().unwrap().clone();
    assert_eq!(decided.len(), 1);
    assert_eq!((decided[0].fingerprint, decided[0].status), (fingerprint, Status::Suppressed));
    assert_eq!(decided[0].reason, "accepted<script> by Ana");
    let page = client.get(&path).body;
    assert!(page.contains("triaged, Suppressed by operator"), "{page}");
    assert!(page.contains("accepted&#60;script&#62; by Ana"), "{page}");
}

#[test]
fn a_form_that_is_not_right_changes_nothing() {
    let running = Running::new(fixture::full());
    let client = running.client();
    let token = token(&client);
    let fingerprint = fixture::full().snapshot.findings[0].fingerprint;
    let path = format!("/findings/{fingerprint}/status");
    let other = running.client();
    let long = "x".repeat(501);
    let mut cases = 0;
    for (client, form, status, words) in [
        (&client, "token=wrong&was=new&status=resolved&reason=r".to_owned(), 403, "session"),
        (&other, format!("token={token}&was=new&status=resolved&reason=r"), 403, "session"),
        (&client, format!("token={token}&was=new&status=resolved&reason=+"), 422, "Say why"),
        (&client, format!("token={token}&was=new&status=resolved&reason={long}"), 422, "Say why"),
        (&client, format!("token={token}&was=new&status=gone&reason=r"), 422, "Choose one"),
        (&client, format!("token={token}&was=resolved&status=new&reason=r"), 409, "Somebody else"),
        (
            &client,
            format!("token={token}&was=new&status=resolved&reason=disk+full"),
            503,
            "the disk is full; free space",
        ),
    ] {
        let answer = client.post(&path, &form);
        assert_eq!(answer.status, status, "{form}");
        assert!(answer.body.contains(words), "{words} in {}", answer.body);
        cases += 1;
    }
    assert_eq!(cases, 7);
    let nowhere = format!("token={token}&was=new&status=resolved&reason=r");
    assert_eq!(client.post("/findings/00000000000000aa/status", &nowhere).status, 404);
    assert_eq!(client.get(&path).status, 405);
    assert!(running.decided.lock().unwrap().is_empty());
}
