//! The one path of every change of an organization: load, plan, apply. Each kind of change is an [`Operation`] in a file
//! of its own; what they have in common is here.

use rollcall_domain::{
    AssignmentList, Current, Facts, Organization, OrganizationId, Plan, Proposal, Refusal, Scope, Timestamp,
    directory::Directory,
};
use rollcall_store::{
    WriteOptions, WriteTx,
    assignments::{self, StoredList},
    changes, directory, members,
};
use tokio::task::block_in_place;

use crate::{Answer, App, AuditDraft, Caller, Changed, MutationContext, Result, Warning, assignments::lint, seats};

/// A kind of change: how it is proposed, what the audit keeps of it, and what the caller is answered.
pub trait Operation: Sync {
    /// What the caller is answered.
    type Answer: Send + Sync;
    /// What was read to propose the change, for the audit and the answer.
    type Before: Send + Sync;
    /// The name of the transaction's span and metric.
    const NAME: &'static str;
    /// Whether the change is as large as a directory. Only some connections are for such changes.
    const IS_BULK: bool = false;

    /// Reads what the proposal is checked against, and proposes the change. Writes nothing.
    fn propose<'a>(
        &'a self,
        tx: &mut WriteTx,
        stored: &StoredList,
    ) -> impl Future<Output = Result<(Proposal<'a>, Self::Before)>> + Send;

    /// What the audit keeps of the change.
    fn audit(&self, before: &Self::Before, planned: &Planned<'_>) -> AuditDraft;

    /// What the caller is answered: the resource as the plan leaves it.
    ///
    /// # Errors
    /// None that a caller can act on.
    fn answer(&self, before: Self::Before, applied: &mut Applied<'_>) -> Result<Self::Answer>;
}

/// A change with its plan, before it is applied.
pub struct Planned<'a> {
    pub(crate) organization: &'a Organization,
    /// The list as it is stored.
    pub(crate) stored: &'a StoredList,
    /// The proposed list. A value of email export on which the members agree is only in `plan.saved`.
    pub(crate) list: &'a AssignmentList,
    pub(crate) facts: Facts,
    pub(crate) plan: Plan,
    pub(crate) now: Timestamp,
}

/// A change after its plan is applied, or left out with `validate_only`.
pub struct Applied<'a> {
    pub(crate) planned: Planned<'a>,
    /// Whether the plan was written under `revision`.
    pub(crate) is_written: bool,
    /// The organization's revision afterwards.
    pub(crate) revision: i64,
    pub(crate) warnings: Vec<Warning>,
}

impl App {
    /// Changes one organization. A change that changes nothing makes no revision.
    ///
    /// # Errors
    /// An unknown organization, a reused idempotency key, or the refusal of the operation.
    pub async fn change<O: Operation>(
        &self,
        context: &MutationContext<'_, O::Answer>,
        id: &OrganizationId,
        operation: &O,
    ) -> Result<Answer<O::Answer>> {
        let options = if O::IS_BULK { WriteOptions::bulk(O::NAME) } else { O::NAME.into() };
        self.once(context, id, options, async |tx: &mut WriteTx| change_in(tx, &context.caller, operation).await).await
    }
}

/// Changes the organization of a transaction. A change that changes nothing makes no revision.
///
/// # Errors
/// The refusal of the operation.
pub(crate) async fn change_in<O: Operation>(
    tx: &mut WriteTx,
    caller: &Caller,
    operation: &O,
) -> Result<Changed<O::Answer>> {
    // Load
    let organization = tx.organization().clone();
    let stored = assignments::get_list(tx).await?;
    let current = Current { organization: &organization, list: &stored.list };
    let (proposal, before) = operation.propose(tx, &stored).await?;
    let (scope, list) = (proposal.scope(), proposal.list(current));
    let mut facts = Facts::default();
    match scope {
        Scope::Directory(rows) => facts.directory = directory::list_directory(tx, rows).await?,
        scope => facts.members = members::list_states(tx, scope, list).await?,
    }
    if needs_states(scope) {
        facts.states = assignments::list_unchosen_states(tx, current.list).await?;
    }

    // Plan
    let mut plan = plan(&proposal, current, &facts, tx.now())?;
    let (seats, waiting) = seats::plan(tx, &plan, &facts, caller.validate_only).await?;
    plan.seats = seats;
    let mut warnings = lint::warnings(tx, current.list, list, &plan).await?;
    warnings.extend(seats::warnings(tx, &proposal, current.list, &plan, &facts, &waiting).await?);
    let (stored, now, organization) = (&stored, tx.now(), &organization);
    let mut planned = Planned { organization, stored, list, facts, plan, now };

    // Apply
    let is_written = !caller.validate_only && proposal.is_recorded(&planned.plan);
    let mut revision = organization.revision;
    if is_written {
        let event = caller.event(operation.audit(&before, &planned));
        // Only the plan and the audit need the stored directory. It is as large as a sync.
        planned.facts.directory = Directory::default();
        revision = changes::apply(tx, &planned.plan, event).await?;
    }
    let mut applied = Applied { planned, is_written, revision, warnings };
    let value = operation.answer(before, &mut applied)?;
    let preview = caller.validate_only.then_some(applied.planned.plan);
    Ok(Changed { value, preview, revision, warnings: applied.warnings })
}

/// Whether a member can enter an assignment. Only then does the plan need to know what the active members of each
/// assignment have.
fn needs_states(scope: Scope<'_>) -> bool {
    !matches!(scope, Scope::NoMember | Scope::Loaded(_) | Scope::Affected { resolves: false, .. })
}

/// With more members, the plan is computed with `block_in_place`, so that the thread's other calls can run elsewhere.
const LARGE_PLAN: usize = 1_000;

fn plan(
    proposal: &Proposal<'_>,
    current: Current<'_>,
    facts: &Facts,
    now: Timestamp,
) -> std::result::Result<Plan, Refusal> {
    let is_large = match proposal.scope() {
        Scope::Directory(_) => true,
        _ => facts.members.len() > LARGE_PLAN,
    };
    if is_large { block_in_place(|| proposal.plan(current, facts, now)) } else { proposal.plan(current, facts, now) }
}
