//! The run: each step by the service and then by raw SQL, on the same rows.

use std::time::Duration;

use rollcall_bench::{
    Result,
    directory::{SampleDirectory, Size},
    machine,
    postgres::{BenchDatabase, Postgres},
    program::timed,
    ratio::Pairs,
    server::ServerProcess,
    table::{markdown, ratio},
};

use crate::{Arguments, floor::ManageFloor, service::ManagedService};

/// How many members are explained in one measurement.
const EXPLAINED: usize = 1_000;

/// The measured steps, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Members are explained one after the other.
    Explain,
    /// All members are listed in pages of 500.
    List,
    /// The last assignment becomes the first one: preview and change.
    Promote,
    /// The whole list is turned around: preview and change.
    Reverse,
}

const STEPS: [Step; 4] = [Step::Explain, Step::List, Step::Promote, Step::Reverse];

struct Bench {
    directory: SampleDirectory,
    service: ManagedService,
    database: BenchDatabase,
    moved: [u64; STEPS.len()],
}

pub(crate) async fn run(arguments: Arguments) -> Result {
    let postgres = Postgres::start().await?;
    let database = postgres.database("service", false).await?;
    let server = ServerProcess::start(&database.url, &postgres.dir().join("reports"), &["--no-jobs"]).await?;
    let machine = machine::describe(&database.client).await?;
    let directory = SampleDirectory::generate(Size::scaled(arguments.scale, arguments.assignments.into()));
    eprintln!("making the organization");
    let service = ManagedService::create(server.channel.clone(), &directory).await?;
    let mut bench = Bench { directory, service, database, moved: [0; STEPS.len()] };
    let mut measured: [Pairs; STEPS.len()] = Default::default();
    for pair in 1..=arguments.pairs {
        for (index, step) in STEPS.into_iter().enumerate() {
            let (service, floor, moved) = bench.step(step).await?;
            eprintln!("pair {pair}, {step:?}: service {service:.3?}, raw SQL {floor:.3?}, {moved} members moved");
            bench.moved[index] = moved;
            measured[index].push(service, floor);
        }
    }
    print!("{}", table(&machine, &arguments, &bench, &measured));
    server.stop().await?;
    drop(bench);
    postgres.stop().await
}

impl Bench {
    async fn step(&mut self, step: Step) -> Result<(Duration, Duration, u64)> {
        match step {
            Step::Explain => self.explain().await,
            Step::List => self.list().await,
            Step::Promote => self.reorder(|order| order.rotate_right(1)).await,
            Step::Reverse => self.reorder(|order| order.reverse()).await,
        }
    }

    async fn explain(&mut self) -> Result<(Duration, Duration, u64)> {
        let people = &self.directory.people;
        let every = people.len().div_ceil(EXPLAINED).max(1);
        let members: Vec<&str> = people.iter().step_by(every).map(|person| person.id.as_str()).collect();
        let mut floor = ManageFloor::prepare(&mut self.database.client).await?;
        let ((), service) = timed(self.service.explain(&members)).await?;
        let ((), raw) = timed(floor.explain(&members)).await?;
        Ok((service, raw, 0))
    }

    async fn list(&mut self) -> Result<(Duration, Duration, u64)> {
        let mut floor = ManageFloor::prepare(&mut self.database.client).await?;
        let (listed, service) = timed(self.service.list()).await?;
        let (read, raw) = timed(floor.list()).await?;
        if (listed, read) != (self.directory.people.len(), self.directory.people.len()) {
            return Err(format!("members are missing: the service listed {listed}, raw SQL {read}").into());
        }
        Ok((service, raw, 0))
    }

    /// The service changes the order, and raw SQL restores it, so that both move the same members.
    async fn reorder(&mut self, change: impl Fn(&mut Vec<String>)) -> Result<(Duration, Duration, u64)> {
        let (before, etag) = self.service.order().await?;
        let mut after = before.clone();
        change(&mut after);
        self.database.settle().await?;
        let (moved, service) = timed(self.service.reorder(&after, etag)).await?;
        self.database.settle().await?;
        let mut floor = ManageFloor::prepare(&mut self.database.client).await?;
        let (back, raw) = timed(floor.reorder(&before)).await?;
        if i64::from(moved) != i64::try_from(back)? {
            return Err(format!("the service moved {moved} members, raw SQL moved {back} back").into());
        }
        Ok((service, raw, back))
    }
}

fn table(machine: &str, arguments: &Arguments, bench: &Bench, measured: &[Pairs]) -> String {
    let (members, assignments) = (bench.directory.people.len(), arguments.assignments);
    let row = |((step, pairs), moved): ((&Step, &Pairs), u64)| {
        let (what, each) = match step {
            Step::Explain => ("ExplainMember, each of 1,000 in turn".to_owned(), EXPLAINED.min(members)),
            Step::List => ("ListMembers, all in pages of 500".to_owned(), 1),
            Step::Promote => (format!("the last assignment becomes the first, {moved} members move"), 1),
            Step::Reverse => (format!("the list is turned around, {moved} members move"), 1),
        };
        let ms = |seconds: f64| format!("{:.1} ms", seconds * 1e3 / f64::from(u32::try_from(each).unwrap_or(1)));
        vec![what, ms(pairs.measured().median), ms(pairs.floor().median), ratio(pairs)]
    };
    let rows: Vec<Vec<String>> = STEPS.iter().zip(measured).zip(bench.moved).map(row).collect();
    let table = markdown(&["what", "service", "raw SQL", "ratio: median (min to max)"], &rows);
    let pairs = arguments.pairs;
    format!("{members} members, {assignments} assignments; medians of {pairs} pairs.\nMachine: {machine}.\n\n{table}")
}
