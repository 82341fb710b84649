//! What is odd about the list: on demand, and as warnings of the change that brings it about.

use std::collections::{BTreeMap, HashSet};

use rollcall_domain::{
    AssignmentId, AssignmentList, OrganizationId, Plan,
    lint::{LintFacts, LintFinding, group_gone, lint, never_matching},
};
use rollcall_store::{
    ReadTx, assignments as store,
    seats::{self, WaitingScope},
};

use crate::{App, Read, Result, Subject, Warning, check_revision};

/// Which findings a page has yet to show: those that an earlier page has not shown. A rank would not do, because the
/// order may change while pages are read.
pub type UnseenFinding<'a> = dyn Fn(&LintFinding) -> bool + Sync + 'a;

impl App {
    /// Looks at every assignment. Returns up to `limit` findings of those that are unseen, in evaluation order, then by
    /// rule.
    ///
    /// # Errors
    /// An unknown organization.
    pub async fn lint_assignments(
        &self,
        organization: &OrganizationId,
        unseen: &UnseenFinding<'_>,
        limit: usize,
        at_least: Option<i64>,
    ) -> Result<Read<Vec<LintFinding>>> {
        self.db
            .read(organization, "lint_assignments", async |tx: &mut ReadTx| {
                check_revision(tx.organization().revision, at_least)?;
                let list = store::get_list(tx).await?.list;
                let gone = store::list_missing_groups(tx, list.listed().iter().flat_map(|a| &a.groups)).await?;
                let summaries = store::count_members(tx, None).await?;
                let waiting = list_waiting(tx, &list).await?;
                let (phase, catalog) = (tx.organization().phase, &tx.organization().catalog);
                let (gone, summaries, waiting) = (&gone, &summaries, &waiting);
                let found = lint(&list, &LintFacts { phase, catalog, gone, summaries, waiting });
                let found = found.into_iter().filter(|finding| unseen(finding)).take(limit).collect();
                Ok(Read::of(tx, found))
            })
            .await
    }
}

async fn list_waiting(tx: &mut ReadTx, list: &AssignmentList) -> Result<BTreeMap<AssignmentId, BTreeMap<String, u32>>> {
    let all = list.ranked().map(|(_, assignment)| &assignment.id).collect();
    let mut waiting: BTreeMap<AssignmentId, BTreeMap<String, u32>> = BTreeMap::new();
    for of_seat in seats::count_waiting(tx, &all, &Plan::default(), WaitingScope::All).await? {
        waiting.entry(of_seat.assignment).or_default().insert(of_seat.seat_type, of_seat.members);
    }
    Ok(waiting)
}

/// Warns about what a change makes wrong in the list: assignments that can never match any longer. About the assignment
/// that it saves, it also warns if that never matched before, and about groups that are no longer in the directory.
pub(crate) async fn warnings(
    tx: &mut ReadTx,
    before: &AssignmentList,
    after: &AssignmentList,
    plan: &Plan,
) -> Result<Vec<Warning>> {
    if plan.saved.is_none() && plan.ranks.is_empty() {
        return Ok(Vec::new());
    }
    let saved = plan.saved.as_ref().map(|saved| &saved.assignment);
    let known: HashSet<AssignmentId> = never_matching(before).into_iter().map(|finding| finding.assignment).collect();
    let mut found = never_matching(after);
    found.retain(|finding| {
        saved.is_some_and(|saved| saved.id == finding.assignment) || !known.contains(&finding.assignment)
    });
    if let Some(saved) = saved.filter(|saved| !saved.groups.is_empty()) {
        let missing = store::list_missing_groups(tx, saved.groups.iter()).await?;
        found.extend(group_gone(after.rank(&saved.id).unwrap_or_default(), saved, &missing));
    }
    let warning =
        |found: LintFinding| Warning { subject: Subject::Assignment(found.assignment), message: found.message };
    Ok(found.into_iter().map(warning).collect())
}
