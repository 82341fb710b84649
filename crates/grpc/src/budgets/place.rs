//! The place of a call in the budgets.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, Ordering},
};

use rollcall_domain::OrganizationId;
use tonic::Status;

use super::{CallKind, Refused, Shared};

tokio::task_local! {
    /// The place of the call that the task answers.
    static CALL: Option<Arc<CallPlace>>;
}

/// The place of a running call. Dropping the value gives the place back, and the memory once the answer is sent, too.
#[derive(Debug)]
pub(crate) struct CallPlace {
    kind: CallKind,
    reserved: Arc<Reserved>,
}

/// The memory that a call has reserved. Dropping the value gives it back.
#[derive(Debug)]
pub(super) struct Reserved {
    shared: Arc<Shared>,
    /// Known once the call has named it.
    organization: OnceLock<OrganizationId>,
    bytes: AtomicU64,
}

impl CallPlace {
    /// The place of a call that the server's count includes.
    pub(super) fn new(shared: Arc<Shared>, kind: CallKind) -> Self {
        let reserved = Reserved { shared, organization: OnceLock::new(), bytes: AtomicU64::new(0) };
        Self { kind, reserved: Arc::new(reserved) }
    }

    /// Runs the work of the call.
    pub(crate) async fn scope<T>(place: Option<Arc<Self>>, work: impl Future<Output = T>) -> T {
        CALL.scope(place, work).await
    }

    /// Returns the place of the call that this task answers.
    pub(crate) fn current() -> Option<Arc<Self>> {
        CALL.try_get().ok().flatten()
    }

    /// Charges the call to the organization that it has named.
    fn charge(&self, organization: &OrganizationId) -> Result<(), Refused> {
        let Reserved { shared, organization: named, bytes } = &*self.reserved;
        let mut used = shared.lock();
        if named.get().is_some() {
            return Ok(());
        }
        let (index, bytes) = (self.kind.index(), bytes.load(Ordering::Relaxed));
        let amount = used.organizations.get(organization);
        if amount.is_some_and(|amount| amount.calls[index] >= shared.limits.organization_calls(self.kind)) {
            return Err(Refused::Calls(self.kind, Some(organization.clone())));
        }
        fits_organization(shared, amount.map_or(0, |amount| amount.bytes), bytes, bytes, organization)?;
        used.change(organization, |amount| {
            amount.calls[index] += 1;
            amount.bytes += bytes;
        });
        let _ = named.set(organization.clone());
        Ok(())
    }

    /// Reserves the memory for bytes of the call's messages.
    pub(super) fn reserve(&self, wire_bytes: usize) -> Result<(), Refused> {
        let more = u64::try_from(wire_bytes).unwrap_or(u64::MAX).saturating_mul(self.kind.factor());
        let Reserved { shared, organization, bytes } = &*self.reserved;
        let mut used = shared.lock();
        let own = bytes.load(Ordering::Relaxed) + more;
        if used.server.bytes + more > shared.limits.memory {
            let alone = own > shared.limits.organization_memory();
            let name = organization.get().cloned();
            return Err(if alone { Refused::TooLarge(name) } else { Refused::Memory(None) });
        }
        if let Some(name) = organization.get() {
            let others = used.organizations.get(name).map_or(0, |amount| amount.bytes);
            fits_organization(shared, others, more, own, name)?;
            used.change(name, |amount| amount.bytes += more);
        }
        used.server.bytes += more;
        bytes.store(own, Ordering::Relaxed);
        Ok(())
    }

    /// Whether the call may change something.
    pub(crate) fn is_change(&self) -> bool {
        matches!(self.kind, CallKind::Write | CallKind::Bulk)
    }

    /// The organization that the call has named.
    pub(crate) fn organization(&self) -> Option<&OrganizationId> {
        self.reserved.organization.get()
    }

    /// The memory of the call, to be held until its answer is sent.
    pub(super) fn reserved(&self) -> Arc<Reserved> {
        self.reserved.clone()
    }
}

/// Checks that an organization, which has reserved `used` bytes, may reserve `more`. The call then has `own` bytes.
fn fits_organization(
    shared: &Shared,
    used: u64,
    more: u64,
    own: u64,
    organization: &OrganizationId,
) -> Result<(), Refused> {
    let max = shared.limits.organization_memory();
    if own > max {
        return Err(Refused::TooLarge(Some(organization.clone())));
    }
    if used + more > max {
        return Err(Refused::Memory(Some(organization.clone())));
    }
    Ok(())
}

impl Drop for CallPlace {
    fn drop(&mut self) {
        let Reserved { shared, organization, .. } = &*self.reserved;
        let mut used = shared.lock();
        let index = self.kind.index();
        used.server.calls[index] -= 1;
        if let Some(name) = organization.get() {
            used.change(name, |amount| amount.calls[index] -= 1);
        }
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        let bytes = self.bytes.load(Ordering::Relaxed);
        let mut used = self.shared.lock();
        used.server.bytes -= bytes;
        if let Some(name) = self.organization.get() {
            used.change(name, |amount| amount.bytes -= bytes);
        }
    }
}

/// Charges the running call to the organization that it has named.
///
/// # Errors
/// `RESOURCE_EXHAUSTED` / `OVERLOADED`: the organization uses its part of a budget.
pub(crate) fn charge(organization: &OrganizationId) -> Result<(), Status> {
    with_call(|call| call.charge(organization))
}

/// Reserves the memory of the running call's answer, whose size on the wire is given.
///
/// # Errors
/// `RESOURCE_EXHAUSTED` / `OVERLOADED`: the memory is used.
pub(crate) fn reserve_answer(wire_bytes: usize) -> Result<(), Status> {
    with_call(|call| call.reserve(wire_bytes))
}

fn with_call(change: impl FnOnce(&CallPlace) -> Result<(), Refused>) -> Result<(), Status> {
    CallPlace::current().map_or(Ok(()), |call| change(&call)).map_err(Refused::into_status)
}
