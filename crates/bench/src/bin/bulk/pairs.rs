//! The run: one organization after the other, each step by the service and then by raw SQL.

use std::time::Duration;

use rollcall_bench::{
    Result,
    directory::{SampleDirectory, Size},
    machine,
    memory::{Peak, peak_during},
    postgres::{BenchDatabase, Postgres},
    program::timed,
    ratio::Measured,
    server::ServerProcess,
};
use rollcall_proto::v1::{EmailExport, SyncCounts, SyncDirectoryRequest};

use crate::{
    Arguments, check,
    floor::{Floor, FloorStatements, clone_organization},
    report,
    service::{ASSIGNMENTS, BulkOrganization},
    steps::{STEPS, Step},
};

/// The state of a run.
struct Bench {
    directory: SampleDirectory,
    server: ServerProcess,
    service: BenchDatabase,
    floor: BenchDatabase,
    measured: [Measured; STEPS.len()],
    young: bool,
}

pub(crate) async fn run(arguments: Arguments) -> Result {
    let postgres = Postgres::start().await?;
    let service = postgres.database("service", arguments.statements).await?;
    let floor = postgres.database("floor", arguments.statements).await?;
    let server = ServerProcess::start(&service.url, &postgres.dir().join("reports"), &["--no-jobs"]).await?;
    let size = Size::scaled(arguments.scale, ASSIGNMENTS);
    let machine = machine::describe(&service.client).await?;
    if arguments.young {
        postgres.leave_statistics().await?;
    }
    let (directory, measured) = (SampleDirectory::generate(size), Default::default());
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
    /// Measures both sides with one organization.
    async fn pair(&mut self, pair: u32) -> Result {
        if self.young {
            for database in [&self.service, &self.floor] {
                database.settle().await?;
            }
            BulkOrganization::warm_up(self.server.channel.clone(), format!("small-{pair}")).await?;
        }
        let id = format!("bench-{pair}");
        let organization = BulkOrganization::create(self.server.channel.clone(), id, &self.directory).await?;
        clone_organization(&self.service.client, &self.floor.client, &organization.id).await?;
        let prepared = FloorStatements::load(&self.floor.client, &organization.id, &self.directory).await?;
        for (index, step) in STEPS.into_iter().enumerate() {
            let (took, peak) = self.by_service(&organization, step).await?;
            let floor = self.by_floor(&organization.id, &prepared, step).await?;
            eprintln!("pair {pair}, {step:?}: service {took:.2?}, raw SQL {floor:.2?}");
            self.measured[index].push(took, floor, peak);
        }
        let service = check::rows(&self.service.client, &organization.id).await?;
        check::same(&service, &check::rows(&self.floor.client, &organization.id).await?)
    }

    /// Does the maintenance that earlier steps left to do, so that all steps of both sides start alike.
    async fn settle(&self, database: &BenchDatabase) -> Result {
        if self.young { database.checkpoint().await } else { database.settle().await }
    }

    async fn by_service(&self, organization: &BulkOrganization, step: Step) -> Result<(Duration, Option<Peak>)> {
        let messages = match step {
            Step::Sync | Step::SyncAgain => self.directory.full_sync(&organization.name()),
            _ => Vec::new(),
        };
        self.settle(&self.service).await?;
        let stepping = timed(self.step(organization, step, messages));
        let ((is_right, took), peak) = peak_during(self.server.memory(), stepping).await?;
        if !is_right {
            return Err(format!("the service did not do the step {step:?} as expected").into());
        }
        Ok((took, peak))
    }

    /// Does a step. Returns whether the service did what it should.
    async fn step(
        &self,
        organization: &BulkOrganization,
        step: Step,
        messages: Vec<SyncDirectoryRequest>,
    ) -> Result<bool> {
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

    async fn by_floor(&mut self, organization: &str, prepared: &FloorStatements, step: Step) -> Result<Duration> {
        self.settle(&self.floor).await?;
        let mut floor = Floor::new(&mut self.floor.client, organization, &self.directory, prepared);
        let stepping = async {
            match step {
                Step::Sync => floor.sync().await,
                Step::Enter => floor.enter().await,
                Step::Choose(EmailExport::Export) => floor.choose("EXPORT").await,
                Step::Choose(_) => floor.choose("DO_NOT_EXPORT").await,
                Step::SyncAgain => floor.sync_again().await,
            }
        };
        Ok(timed(stepping).await?.1)
    }
}
