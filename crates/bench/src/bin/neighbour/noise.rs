//! The noisy organization.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use rollcall_bench::{
    Result,
    directory::{EVERYONE, SampleDirectory},
    requests::{create_assignment, settings},
    server::ServerProcess,
};
use rollcall_proto::v1::{
    EmailExport, ExportMembersCsvRequest, SyncDirectoryRequest, assignment_service_client::AssignmentServiceClient,
    directory_service_client::DirectoryServiceClient, member_service_client::MemberServiceClient,
};
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinSet,
    time::{interval, sleep},
};
use tokio_stream::Stream;
use tonic::{
    Code, Status,
    transport::{Channel, Endpoint},
};

use crate::load::{create_organization, rename};

/// The number of slow readers of the CSV.
const READERS: usize = 64;
/// The time between two messages that a slow reader reads, and between two attempts to begin.
const READ_EVERY: Duration = Duration::from_secs(1);
/// How long a sync that is refused waits before it is tried again.
const RETRY_AFTER: Duration = Duration::from_millis(100);
/// The time between two writes.
const WRITE_EVERY: Duration = Duration::from_millis(1);

/// The noisy organization.
pub(crate) struct Noise {
    url: String,
    /// The messages of a sync of all members.
    messages: Arc<[SyncDirectoryRequest]>,
    made: Arc<Made>,
    /// The threads of the noise, which do not delay the calls of the quiet organization in this process.
    threads: Runtime,
    since: Instant,
}

/// How many calls the server took, refused, and answered with another error.
#[derive(Debug, Default)]
struct Count([AtomicUsize; 3]);

impl Count {
    fn add<T>(&self, answer: &std::result::Result<T, Status>) {
        let place = match answer {
            Ok(_) => 0,
            Err(status) if status.code() == Code::ResourceExhausted => 1,
            Err(_) => 2,
        };
        self.0[place].fetch_add(1, Ordering::Relaxed);
    }
}

#[derive(Debug, Default)]
struct Made {
    syncs: Count,
    exports: Count,
    writes: Count,
}

impl Noise {
    /// Creates the organization with its directory.
    pub(crate) async fn create(server: &ServerProcess, directory: SampleDirectory) -> Result<Self> {
        let channel = server.channel.clone();
        create_organization(&channel, "noisy").await?;
        let messages: Arc<[_]> = directory.full_sync("organizations/noisy").into();
        DirectoryServiceClient::new(channel.clone()).sync_directory(stream_of(messages.clone())).await?;
        let groups = [directory.groups[EVERYONE].0.as_str()].into_iter();
        let parent = "organizations/noisy";
        let all = create_assignment(parent, "all".to_owned(), groups, settings(1), EmailExport::Export, 1);
        AssignmentServiceClient::new(channel.clone()).create_assignment(all).await?;
        let threads = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        Ok(Self { url: server.url.clone(), messages, made: Arc::default(), threads, since: Instant::now() })
    }

    /// Begins to make noise.
    pub(crate) fn start(&mut self) -> Result {
        self.since = Instant::now();
        let _entered = self.threads.enter();
        let channel = Endpoint::from_shared(self.url.clone())?.connect_lazy();
        self.threads.spawn(sync_in_a_loop(channel.clone(), self.messages.clone(), self.made.clone()));
        for _ in 0..READERS {
            self.threads.spawn(read_slowly(channel.clone(), self.made.clone()));
        }
        self.threads.spawn(write_fast(channel, self.made.clone()));
        Ok(())
    }

    /// Ends the noise, and says how much there was.
    pub(crate) fn stop(self) -> impl fmt::Display {
        let seconds = self.since.elapsed().as_secs_f64();
        self.threads.shutdown_background();
        let mut text = String::from(
            "| noisy organization | taken in a second | refused in a second | other errors |\n|---|---|---|---|\n",
        );
        for (what, count) in [
            ("syncs of all members", &self.made.syncs),
            ("exports by slow readers", &self.made.exports),
            ("writes, 1,000 in a second", &self.made.writes),
        ] {
            let [taken, refused, failed] = &count.0;
            let rate = |count: &AtomicUsize| {
                f64::from(u32::try_from(count.load(Ordering::Relaxed)).unwrap_or(u32::MAX)) / seconds
            };
            text += &format!(
                "| {what} | {:.2} | {:.1} | {} |\n",
                rate(taken),
                rate(refused),
                failed.load(Ordering::Relaxed)
            );
        }
        text
    }
}

/// Copies a message when it is sent, because a copy of all of them would take a thread for long.
fn stream_of(messages: Arc<[SyncDirectoryRequest]>) -> impl Stream<Item = SyncDirectoryRequest> + Send + 'static {
    tokio_stream::iter((0..messages.len()).map(move |number| messages[number].clone()))
}

async fn sync_in_a_loop(channel: Channel, messages: Arc<[SyncDirectoryRequest]>, made: Arc<Made>) {
    loop {
        let synced = DirectoryServiceClient::new(channel.clone()).sync_directory(stream_of(messages.clone())).await;
        made.syncs.add(&synced);
        if synced.is_err() {
            sleep(RETRY_AFTER).await;
        }
    }
}

async fn read_slowly(channel: Channel, made: Arc<Made>) {
    let request = ExportMembersCsvRequest { parent: "organizations/noisy".to_owned(), ..Default::default() };
    loop {
        let begun = MemberServiceClient::new(channel.clone()).export_members_csv(request.clone()).await;
        made.exports.add(&begun);
        if let Ok(pieces) = begun {
            let mut pieces = pieces.into_inner();
            while matches!(pieces.message().await, Ok(Some(_))) {
                sleep(READ_EVERY).await;
            }
        }
        sleep(READ_EVERY).await;
    }
}

async fn write_fast(channel: Channel, made: Arc<Made>) {
    let (mut ticks, mut calls) = (interval(WRITE_EVERY), JoinSet::new());
    for number in 0.. {
        ticks.tick().await;
        let (channel, made) = (channel.clone(), made.clone());
        calls.spawn(async move { made.writes.add(&rename(channel, "noisy", "all", number).await) });
        while calls.try_join_next().is_some() {}
    }
}
