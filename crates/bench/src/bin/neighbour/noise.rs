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
    EmailExport, ExportMembersCsvRequest, assignment_service_client::AssignmentServiceClient,
    directory_service_client::DirectoryServiceClient, member_service_client::MemberServiceClient,
};
use tokio::{
    sync::Mutex,
    task::JoinSet,
    time::{interval, sleep},
};
use tonic::{Code, Status, transport::Channel};

use crate::load::{create_organization, rename};

/// The number of slow readers of the CSV.
const READERS: usize = 64;
/// The time between two messages that a slow reader reads, and between two attempts to begin.
const READ_EVERY: Duration = Duration::from_secs(1);
/// The time between two writes.
const WRITE_EVERY: Duration = Duration::from_millis(1);

/// The noisy organization, and its tasks while it makes noise.
pub(crate) struct Noise {
    channel: Channel,
    directory: Arc<SampleDirectory>,
    made: Arc<Made>,
    tasks: Mutex<(JoinSet<()>, Option<Instant>)>,
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
        let sync = directory.full_sync("organizations/noisy");
        DirectoryServiceClient::new(channel.clone()).sync_directory(tokio_stream::iter(sync)).await?;
        let groups = [directory.groups[EVERYONE].0.as_str()].into_iter();
        let parent = "organizations/noisy";
        let all = create_assignment(parent, "all".to_owned(), groups, settings(1), EmailExport::Export, 1);
        AssignmentServiceClient::new(channel.clone()).create_assignment(all).await?;
        Ok(Self { channel, directory: Arc::new(directory), made: Arc::default(), tasks: Mutex::default() })
    }

    /// Begins to make noise.
    pub(crate) async fn start(&self) {
        let (tasks, since) = &mut *self.tasks.lock().await;
        *since = Some(Instant::now());
        tasks.spawn(sync_in_a_loop(self.channel.clone(), self.directory.clone(), self.made.clone()));
        for _ in 0..READERS {
            tasks.spawn(read_slowly(self.channel.clone(), self.made.clone()));
        }
        tasks.spawn(write_fast(self.channel.clone(), self.made.clone()));
    }

    /// Ends the noise, and says how much there was.
    pub(crate) async fn stop(self) -> impl fmt::Display {
        let (mut tasks, since) = self.tasks.into_inner();
        tasks.shutdown().await;
        let seconds = since.map_or(1.0, |since| since.elapsed().as_secs_f64());
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

async fn sync_in_a_loop(channel: Channel, directory: Arc<SampleDirectory>, made: Arc<Made>) {
    loop {
        let messages = directory.full_sync("organizations/noisy");
        let synced = DirectoryServiceClient::new(channel.clone()).sync_directory(tokio_stream::iter(messages)).await;
        made.syncs.add(&synced);
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
