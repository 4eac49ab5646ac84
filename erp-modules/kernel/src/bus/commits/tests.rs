use super::Commits;
use std::time::Duration;
use tokio::time::timeout;

/// Far longer than anything here takes: what it ends would wait for ever.
const HANGING: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_commit_wakes_every_follower() {
    let commits = Commits::new();
    let followers = [commits.follow(), commits.follow(), commits.follow()];
    let waiting = futures::future::join_all(followers.into_iter().map(|mut follower| async move { follower.changed().await }));
    let told = async { commits.tell() };
    let (woken, ()) = futures::join!(timeout(HANGING, waiting), told);
    assert!(woken.unwrap().iter().all(Result::is_ok));
}

#[tokio::test]
async fn a_commit_while_a_follower_is_at_work_is_not_lost_and_one_that_he_has_seen_does_not_wake_him_again() {
    let commits = Commits::new();
    let mut follower = commits.follow();
    follower.borrow_and_update();
    commits.tell();
    commits.tell();
    timeout(HANGING, follower.changed()).await.unwrap().unwrap();
    assert!(!follower.has_changed().unwrap());
}
