use super::*;
use crate::scene::{Scene, until};

#[tokio::test(flavor = "multi_thread")]
async fn the_blobs_of_a_job_are_needed_and_no_others() {
    let mut scene = Scene::new();
    scene.blobs.put(b"nobody's").unwrap();
    let running = scene.start();
    let needs = Needs(running.shared.desk.clone());
    scene.open_job(1);
    until(|| async { needs.blobs().await.is_some_and(|blobs| !blobs.is_empty()) }).await;
    let specification = scene.specification(1);
    let mut wanted: BTreeSet<BlobDigest> = specification.blobs().into_iter().collect();
    wanted.insert(BlobDigest::new(*specification.digest().as_bytes()));
    assert_eq!(wanted.len(), 2);
    assert_eq!(needs.blobs().await, Some(wanted));
    running.end(&mut scene).await;
    assert_eq!(needs.blobs().await, None, "it stopped, and knows nothing");
}
