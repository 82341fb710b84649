//! The run: organization after organization, each step by the service and then by raw SQL.

use std::time::{Duration, Instant};

use rollcall_bench::{
    Result,
    directory::{Directory, Size},
    machine,
    memory::Peak,
    postgres::{Database, Postgres},
    ratio::Pairs,
    server::Server,
};
use rollcall_proto::v1::{EmailExport, SyncCounts, SyncDirectoryRequest};

use crate::{
    Arguments, check,
    floor::{Floor, Prepared, clone_organization},
    report,
    service::{ASSIGNMENTS, Organization},
};

/// What is measured, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A FULL sync of an organization that has no members.
    Sync,
    /// A new first assignment that every member enters.
    Enter,
    /// A value is chosen for the members of that assignment.
    Choose(EmailExport),
    /// The first sync once more, which changes nothing.
    SyncAgain,
}

pub(crate) const STEPS: [Step; 5] = [
    Step::Sync,
    Step::Enter,
    Step::Choose(EmailExport::Export),
    Step::Choose(EmailExport::DoNotExport),
    Step::SyncAgain,
];

/// What came of a step in all pairs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Measured {
    pub(crate) times: Pairs,
    /// The most memory that the server had in any of them.
    pub(crate) peak: Option<Peak>,
}

/// All that a run uses.
struct Bench {
    directory: Directory,
    server: Server,
    service: Database,
    floor: Database,
    measured: [Measured; STEPS.len()],
    young: bool,
}

pub(crate) async fn run(arguments: Arguments) -> Result {
    let postgres = Postgres::start().await?;
    let service = postgres.database("service", arguments.statements).await?;
    let floor = postgres.database("floor", arguments.statements).await?;
    let server = Server::start(&service.url, &postgres.dir().join("reports")).await?;
    let size = Size::scaled(arguments.scale, ASSIGNMENTS);
    let machine = machine::describe(&service.client).await?;
    if arguments.young {
        postgres.leave_statistics().await?;
    }
    let (directory, measured) = (Directory::generate(size), Default::default());
    let mut bench = Bench { directory, server, service, floor, measured, young: arguments.young };
    let mut log_read = 0;
    for pair in 1..=arguments.pairs {
        if let Err(error) = bench.pair(pair).await {
            eprint!("{}", bench.server.last_lines());
            return Err(error);
        }
        if arguments.statements {
            report::statements(pair, &postgres.slow_statements(&mut log_read)?);
        }
    }
    let Bench { directory, server, measured, .. } = bench;
    print!("{}", report::table(&machine, &arguments, &directory, &measured));
    server.stop().await?;
    postgres.stop().await
}

impl Bench {
    /// One organization, by both sides.
    async fn pair(&mut self, pair: u32) -> Result {
        if self.young {
            for database in [&self.service, &self.floor] {
                database.settle().await?;
            }
            Organization::warm_up(self.server.channel.clone(), format!("small-{pair}")).await?;
        }
        let id = format!("bench-{pair}");
        let organization = Organization::create(self.server.channel.clone(), id, &self.directory).await?;
        clone_organization(&self.service.client, &self.floor.client, &organization.id).await?;
        let prepared = Prepared::load(&self.floor.client, &organization.id, &self.directory).await?;
        for (index, step) in STEPS.into_iter().enumerate() {
            let (took, peak) = self.by_service(&organization, step).await?;
            let floor = self.by_floor(&organization.id, &prepared, step).await?;
            eprintln!("pair {pair}, {step:?}: service {took:.2?}, raw SQL {floor:.2?}");
            let measured = &mut self.measured[index];
            measured.times.push(took, floor);
            measured.peak = measured.peak.into_iter().chain(peak).max_by_key(|peak| peak.bytes);
        }
        let service = check::rows(&self.service.client, &organization.id).await?;
        check::same(&service, &check::rows(&self.floor.client, &organization.id).await?)
    }

    /// Makes sides and steps start alike: what the ones before have left to do is done.
    async fn settle(&self, database: &Database) -> Result {
        if self.young { database.checkpoint().await } else { database.settle().await }
    }

    async fn by_service(&self, organization: &Organization, step: Step) -> Result<(Duration, Option<Peak>)> {
        let messages = match step {
            Step::Sync | Step::SyncAgain => self.directory.full_sync(&organization.name()),
            _ => Vec::new(),
        };
        self.settle(&self.service).await?;
        let memory = self.server.memory();
        let reset = memory.reset();
        let start = Instant::now();
        let right = self.step(organization, step, messages).await?;
        let took = start.elapsed();
        if !right {
            return Err(format!("the service did not do what was asked for: {step:?}").into());
        }
        Ok((took, memory.peak(reset)))
    }

    /// Does a step, and answers whether the service did what it should.
    async fn step(&self, organization: &Organization, step: Step, messages: Vec<SyncDirectoryRequest>) -> Result<bool> {
        let (members, memberships) = (self.directory.people.len(), self.directory.memberships.len());
        match step {
            Step::Sync => {
                let synced = organization.sync(messages).await?;
                let counts = synced.counts.unwrap_or_default();
                let written = (counts.members_created, counts.memberships_added);
                Ok(written == (i32::try_from(members)?, i32::try_from(memberships)?) && synced.rejected_count == 0)
            }
            Step::SyncAgain => {
                let synced = organization.sync(messages).await?;
                Ok(synced.counts == Some(SyncCounts::default()) && synced.rejected_count == 0)
            }
            Step::Enter => Ok(organization.enter(&self.directory).await? == i32::try_from(members)?),
            Step::Choose(value) => {
                let active = self.directory.people.iter().filter(|person| person.active).count();
                let (exporting, not_exporting) = organization.choose(value).await?;
                let (all, none) = match value {
                    EmailExport::Export => (exporting, not_exporting),
                    _ => (not_exporting, exporting),
                };
                Ok((all, none) == (i32::try_from(active)?, 0))
            }
        }
    }

    async fn by_floor(&mut self, organization: &str, prepared: &Prepared, step: Step) -> Result<Duration> {
        self.settle(&self.floor).await?;
        let mut floor = Floor::new(&mut self.floor.client, organization, &self.directory, prepared);
        let start = Instant::now();
        match step {
            Step::Sync => floor.sync().await?,
            Step::Enter => floor.enter().await?,
            Step::Choose(EmailExport::Export) => floor.choose("EXPORT").await?,
            Step::Choose(_) => floor.choose("DO_NOT_EXPORT").await?,
            Step::SyncAgain => floor.sync_again().await?,
        }
        Ok(start.elapsed())
    }
}
