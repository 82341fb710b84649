//! Follows the files of a server: reads them again and again, and replaces the settings when the files have changed.
//! Reading, unlike the notices of a file system, works on every kind of volume, and also when Kubernetes replaces a Secret
//! by changing a symbolic link.

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, time::sleep};

use super::{Settings, TlsError, TlsFiles, files::FileContents};

/// Follows the files until nobody uses the settings. `used` is what the present settings were made of.
pub(super) async fn follow(files: TlsFiles, used: FileContents, settings: watch::Sender<Settings>, pause: Duration) {
    let mut judged: Result<FileContents, TlsError> = Ok(used);
    let mut previous = judged.clone();
    loop {
        tokio::select! {
            () = settings.closed() => return,
            () = sleep(pause) => {}
        }
        let read = files.read().await;
        // A certificate and its key are two files, so the first reading after a change may have only one of them.
        let is_settled = read == previous;
        previous = read;
        if !is_settled || previous == judged {
            continue;
        }
        judged = previous.clone();
        let loaded = previous.as_ref().map_err(Clone::clone).and_then(|contents| files.configure(contents));
        match loaded {
            Ok(config) => {
                settings.send_modify(|settings| {
                    settings.config = Arc::new(config);
                    settings.changes.used += 1;
                });
                tracing::info!(certificate = %files.certificate.display(), "new connections use the changed files of TLS");
            }
            Err(error) => {
                tracing::error!(
                    "the changed files of TLS cannot be used: {error}; new connections use the files that were read \
                     before, until the files are corrected"
                );
                settings.send_modify(|settings| settings.changes.refused += 1);
            }
        }
    }
}
