//! The floor: reads by raw SQL on the same rows, prepared once. A call that asks for one thing is compared with the read
//! of one member by its key, a call that asks for everything with the read of everything.

use std::time::Duration;

use futures::TryStreamExt as _;
use rollcall_bench::{Result, program::timed};
use tokio_postgres::{Client, Statement};

use crate::{
    calls::GrowsWith,
    scene::{BENCH, BuiltScene},
};

/// The statements, prepared.
pub(crate) struct GrowthFloor<'a> {
    client: &'a Client,
    member: String,
    one_member: Statement,
    members: Statement,
    assignments: Statement,
    everything: Statement,
}

impl<'a> GrowthFloor<'a> {
    pub(crate) async fn prepare(built: &'a BuiltScene) -> Result<Self> {
        let client = &built.database.client;
        let one_member = client.prepare("SELECT * FROM members WHERE organization_id = $1 AND id = $2").await?;
        let members = client.prepare("SELECT * FROM members WHERE organization_id = $1").await?;
        let assignments = client.prepare("SELECT * FROM assignments WHERE organization_id = $1").await?;
        let everything = client
            .prepare("SELECT m.* FROM organizations AS o INNER JOIN members AS m ON m.organization_id = o.id")
            .await?;
        Ok(Self { client, member: built.directory.people[0].id.clone(), one_member, members, assignments, everything })
    }

    /// Returns how long the floor of a call takes.
    pub(crate) async fn measure(&self, grows_with: GrowsWith) -> Result<Duration> {
        let (statement, parameters): (_, Vec<&str>) = match grows_with {
            GrowsWith::Nothing => (&self.one_member, vec![BENCH, &self.member]),
            GrowsWith::Members => (&self.members, vec![BENCH]),
            GrowsWith::Assignments => (&self.assignments, vec![BENCH]),
            GrowsWith::Organizations => (&self.everything, Vec::new()),
        };
        let read = async {
            let mut rows = std::pin::pin!(self.client.query_raw(statement, parameters).await?);
            while rows.try_next().await?.is_some() {}
            Ok(())
        };
        Ok(timed(read).await?.1)
    }
}
