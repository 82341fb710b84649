//! `latest.json` while several processes write it: on a directory, and on a store with conditional writes.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use object_store::memory::InMemory;
use tempfile::TempDir;

use super::*;

fn latest(day: u32) -> Latest {
    Latest {
        schema_version: 1,
        report: format!("mixed-settings-{day:02}"),
        path: format!("mixed-settings-{day:02}/1"),
        manifest: format!("mixed-settings-{day:02}/1/{MANIFEST_FILE}"),
        data_as_of: format!("2026-01-{day:02}T02:00:00.000000Z"),
        manifest_sha256: None,
    }
}

async fn named(store: &ReportStore) -> Latest {
    let location = StorePath::from(format!("{REPORT_FOLDER}/{LATEST_FILE}"));
    let bytes = store.store.get(&location).await.unwrap().bytes().await.unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

/// Many writers at once, the newest neither first nor last; a reader never sees the file move back.
async fn race(store: ReportStore) {
    store.advance_latest(latest(1)).await.unwrap();
    let (watched, over) = (store.clone(), Arc::new(AtomicBool::new(false)));
    let ending = over.clone();
    let watcher = tokio::spawn(async move {
        let mut newest = String::new();
        while !ending.load(Ordering::Relaxed) {
            let now = named(&watched).await.data_as_of;
            assert!(now >= newest, "{now} after {newest}");
            newest = now;
            tokio::task::yield_now().await;
        }
    });
    let days = (2..=28).map(|day| day * 11 % 29);
    let writers: Vec<_> = days
        .map(|day| {
            let store = store.clone();
            tokio::spawn(async move { store.advance_latest(latest(day)).await })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap().unwrap();
    }
    over.store(true, Ordering::Relaxed);
    watcher.await.unwrap();
    // A writer that was suspended for a long time continues.
    store.advance_latest(latest(3)).await.unwrap();
    assert_eq!(named(&store).await, latest(28));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_latest_report_never_moves_back_in_a_directory() {
    let directory = TempDir::new().unwrap();
    race(ReportStore::open(&format!("file://{}", directory.path().display())).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_latest_report_never_moves_back_in_an_object_store() {
    let url = url::Url::parse("memory:///").unwrap();
    race(ReportStore { store: Arc::new(InMemory::new()), url }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_latest_file_that_cannot_be_read_is_replaced() {
    let directory = TempDir::new().unwrap();
    let store = ReportStore::open(&format!("file://{}", directory.path().display())).unwrap();
    let folder = directory.path().join(REPORT_FOLDER);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(LATEST_FILE), "{\"report\":").unwrap();
    store.advance_latest(latest(1)).await.unwrap();
    assert_eq!(named(&store).await, latest(1));
}
