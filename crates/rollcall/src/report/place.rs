//! Where a report lies: the folder that a URL means, in whatever store.

use rollcall_app::{
    Error as AppError,
    reports::{ByteStream, LATEST_FILE, Latest, MANIFEST_FILE, ReportStore},
};
use tokio_stream::StreamExt as _;
use url::Url;

use crate::error::{Error, Result};

/// The folder of a run.
pub(super) struct Place {
    /// As it was given.
    pub(super) url: Url,
    /// What `latest.json` says of the manifest, where the URL is that of `latest.json`.
    pub(super) manifest_sha256: Option<String>,
    store: ReportStore,
    /// Relative to the store; empty for all of it.
    folder: String,
}

impl Place {
    /// Opens the folder that a URL means: its own, that of its manifest, or the one that `latest.json` names.
    ///
    /// # Errors
    /// A place that cannot be opened, or a `latest.json` that cannot be read.
    pub(super) async fn open(url: &Url) -> Result<Self> {
        let file = url.path_segments().and_then(|mut segments| segments.next_back()).unwrap_or_default();
        let is_file = [LATEST_FILE, MANIFEST_FILE].contains(&file);
        let directory = if is_file { parent(url) } else { url.clone() };
        let store = open_store(&directory)?;
        let mut place = Self { url: url.clone(), manifest_sha256: None, store, folder: String::new() };
        if file == LATEST_FILE {
            let text = place.read_all(LATEST_FILE).await?;
            let text = text.ok_or_else(|| Error::failed(format!("there is no {url}")))?;
            let latest: Latest = serde_json::from_slice(&text).map_err(Error::doing(format!("cannot read {url}")))?;
            place.folder = latest.path;
            place.manifest_sha256 = latest.manifest_sha256;
        }
        Ok(place)
    }

    /// Begins to read a file; none where it is missing.
    ///
    /// # Errors
    /// A store that fails.
    pub(super) async fn read(&self, file: &str) -> Result<Option<ByteStream>> {
        let path = if self.folder.is_empty() { file.to_owned() } else { format!("{}/{file}", self.folder) };
        match self.store.read(&path, 0).await {
            Ok(pieces) => Ok(Some(pieces)),
            Err(AppError::ReportNotFound(_)) => Ok(None),
            Err(error) => Err(Error::doing(format!("cannot read {file}"))(error)),
        }
    }

    /// A small file as a whole; none where it is missing.
    ///
    /// # Errors
    /// A store that fails.
    pub(super) async fn read_all(&self, file: &str) -> Result<Option<Vec<u8>>> {
        let Some(mut pieces) = self.read(file).await? else { return Ok(None) };
        let mut text = Vec::new();
        while let Some(piece) = pieces.next().await {
            text.extend_from_slice(&piece.map_err(Error::doing(format!("cannot read {file}")))?);
        }
        Ok(Some(text))
    }

    /// The names of all files in the folder.
    ///
    /// # Errors
    /// A store that fails.
    pub(super) async fn list(&self) -> Result<Vec<String>> {
        self.store.list_files(&self.folder).await.map_err(Error::doing(format!("cannot list {}", self.url)))
    }
}

fn parent(url: &Url) -> Url {
    let mut parent = url.clone();
    if let Ok(mut segments) = parent.path_segments_mut() {
        segments.pop();
    }
    parent
}

fn open_store(url: &Url) -> Result<ReportStore> {
    // Opening a directory would make it.
    let directory = (url.scheme() == "file").then(|| url.to_file_path().ok()).flatten();
    if directory.is_some_and(|directory| !directory.is_dir()) {
        return Err(Error::failed(format!("there is no directory {url}")));
    }
    ReportStore::open(url.as_str()).map_err(Error::doing(format!("cannot open {url}")))
}
