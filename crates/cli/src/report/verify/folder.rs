//! The folder of a published report, in any store.

use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use object_store::{Error as StoreError, ObjectMeta, ObjectStore, ObjectStoreExt as _, path::Path};
use url::Url;

use super::format::{LATEST_FILE, LatestPointer, MANIFEST_FILE};
use crate::error::{Error, Result};

/// The content of a file, in pieces.
pub(super) type Pieces = BoxStream<'static, Result<Bytes>>;

/// The folder of a report.
pub(super) struct PublishedFolder {
    /// The URL as given.
    pub(super) url: Url,
    /// The manifest's SHA-256 according to `latest.json`, if the URL is that of `latest.json`.
    pub(super) manifest_sha256: Option<String>,
    store: Arc<dyn ObjectStore>,
    /// The path of the folder in the store.
    path: Path,
}

impl PublishedFolder {
    /// Opens the folder that a URL names: the URL of the folder, of its manifest, or of a `latest.json` that points to
    /// it.
    ///
    /// # Errors
    /// The store cannot be opened, or `latest.json` cannot be read.
    pub(super) async fn open(url: &Url, open_store: impl FnOnce(&Url) -> Result<Arc<dyn ObjectStore>>) -> Result<Self> {
        let file = url.path_segments().and_then(|mut segments| segments.next_back()).unwrap_or_default();
        let is_file = [LATEST_FILE, MANIFEST_FILE].contains(&file);
        let directory = if is_file { parent(url) } else { url.clone() };
        check_exists(&directory)?;
        let store = open_store(&directory)?;
        let mut folder = Self { url: url.clone(), manifest_sha256: None, store, path: Path::default() };
        if file == LATEST_FILE {
            let text = folder.read_all(LATEST_FILE).await?;
            let text = text.ok_or_else(|| Error::failed(format!("there is no {url}")))?;
            let latest: LatestPointer =
                serde_json::from_slice(&text).map_err(Error::doing(format!("cannot read {url}")))?;
            folder.path = Path::from(latest.path);
            folder.manifest_sha256 = latest.manifest_sha256;
        }
        Ok(folder)
    }

    /// Returns the content of a file in pieces, or `None` if the file does not exist.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(super) async fn read(&self, file: &str) -> Result<Option<Pieces>> {
        let cannot_read = format!("cannot read {file}");
        match self.store.get(&Path::from(format!("{}/{file}", self.path))).await {
            Ok(found) => {
                let pieces = found.into_stream();
                Ok(Some(pieces.map_err(move |error| Error::doing(&cannot_read)(error)).boxed()))
            }
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(Error::doing(cannot_read)(error)),
        }
    }

    /// Returns the content of a small file, or `None` if the file does not exist.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(super) async fn read_all(&self, file: &str) -> Result<Option<Vec<u8>>> {
        match self.read(file).await? {
            Some(pieces) => Ok(Some(read_all(pieces).await?)),
            None => Ok(None),
        }
    }

    /// Returns the names of all files in the folder and below, in order.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(super) async fn list(&self) -> Result<Vec<String>> {
        let cannot_list = format!("cannot list {}", self.url);
        let files = self.store.list(Some(&self.path)).try_collect::<Vec<_>>().await;
        let files = files.map_err(Error::doing(cannot_list))?;
        let name_below = |file: &ObjectMeta| {
            let parts = file.location.prefix_match(&self.path)?;
            Some(parts.map(|part| part.as_ref().to_owned()).collect::<Vec<_>>().join("/"))
        };
        let mut names: Vec<String> = files.iter().filter_map(name_below).collect();
        names.sort_unstable();
        Ok(names)
    }
}

/// Returns the whole content of a small file.
///
/// # Errors
/// The store cannot be read.
pub(super) async fn read_all(pieces: Pieces) -> Result<Vec<u8>> {
    let pieces: Vec<Bytes> = pieces.try_collect().await?;
    Ok(pieces.concat())
}

fn parent(url: &Url) -> Url {
    let mut parent = url.clone();
    if let Ok(mut segments) = parent.path_segments_mut() {
        segments.pop();
    }
    parent
}

/// Checks that a directory of this machine exists, because opening a store creates a missing directory.
fn check_exists(url: &Url) -> Result {
    let directory = (url.scheme() == "file").then(|| url.to_file_path().ok()).flatten();
    match directory {
        Some(directory) if !directory.is_dir() => Err(Error::failed(format!("there is no directory {url}"))),
        _ => Ok(()),
    }
}
