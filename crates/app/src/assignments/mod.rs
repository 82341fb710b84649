//! The ordered list of assignments: reading it, and every change of it.

mod create;
mod delete;
pub(crate) mod lint;
mod mixed;
mod move_to;
mod read;
mod reorder;
mod update;

use rollcall_domain::{Assignment, AssignmentId, Phase, email_export::Summary};
use rollcall_store::{
    ReadTx,
    assignments::{AssignmentMeta, StoredList},
};

pub use create::AssignmentCreation;
pub use delete::AssignmentDeletion;
pub use lint::UnseenFinding;
pub use mixed::MixedOverview;
pub use move_to::AssignmentMove;
pub use read::{Listed, Unseen};
pub use reorder::ListReordering;
pub use update::AssignmentUpdate;

use crate::{Applied, Result};

/// An assignment with everything that is shown of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssignmentView {
    /// Its values.
    pub assignment: Assignment,
    /// Its position, from 1.
    pub rank: u32,
    /// What is stored beside its values; absent for a preview of a new assignment.
    pub meta: Option<AssignmentMeta>,
    /// What its members have.
    pub summary: Summary,
    /// Who decides about email export.
    pub phase: Phase,
}

impl AssignmentView {
    /// The assignment as a plan leaves it. `before` is what its members have before the plan; `None` for a new one.
    pub(crate) fn of_applied(applied: &Applied<'_>, id: &AssignmentId, before: Option<Summary>) -> Result<Self> {
        let planned = &applied.planned;
        let saved = planned.plan.saved.as_ref();
        let mut meta = planned.stored.meta.get(id).cloned();
        if let Some(saved) = saved.filter(|_| applied.is_written) {
            let (uid, created_at) = match &meta {
                Some(meta) => (meta.uid, meta.created_at),
                None => (saved.new_uid.unwrap_or_default(), planned.now),
            };
            meta =
                Some(AssignmentMeta { uid, updated_revision: applied.revision, created_at, updated_at: planned.now });
        }
        Ok(Self {
            assignment: saved.map_or_else(|| planned.list.get(id), |saved| Ok(&saved.assignment))?.clone(),
            rank: planned.list.rank(id).unwrap_or_default(),
            meta,
            summary: planned.plan.summary_of(id, before.unwrap_or_default(), &planned.facts.members),
            phase: planned.organization.phase,
        })
    }
}

fn view(tx: &ReadTx, stored: &StoredList, id: &AssignmentId, summary: Summary) -> Result<AssignmentView> {
    Ok(AssignmentView {
        assignment: stored.list.get(id)?.clone(),
        rank: stored.list.rank(id).unwrap_or_default(),
        meta: stored.meta.get(id).cloned(),
        summary,
        phase: tx.organization().phase,
    })
}
