//! How much of the server the calls may use: how many calls of each kind run at a time, and how many bytes of memory all
//! calls together reserve. One organization may use only a part of each.
//!
//! The server's limits are checked before a call's body is read, and the organization's once its name is read. The
//! memory that a call uses cannot be measured. Therefore each call reserves an estimate: the bytes of its request, and for a
//! read also the bytes of its answer, multiplied by a factor ([`CallKind::factor`]). A call beyond a limit is refused with `OVERLOADED`; calls never wait here.

mod body;
mod kind;
mod place;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rollcall_domain::OrganizationId;
use tonic::Status;

use self::kind::{CallKinds, KINDS};
pub(crate) use self::{
    body::{hold_until_sent, metered},
    kind::CallKind,
    place::{CallPlace, charge, reserve_answer},
};
use crate::status;

/// The limits of the calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallLimits {
    /// At most this many checks of email export run at a time.
    pub checks: usize,
    /// At most this many other reads.
    pub reads: usize,
    /// At most this many changes, the waiting ones included.
    pub writes: usize,
    /// At most this many directory syncs and imports, from their first message to their answer.
    pub bulk: usize,
    /// At most this many exports and downloads.
    pub streams: usize,
    /// How many bytes all calls together may reserve.
    pub memory: u64,
    /// The part of each limit that one organization may use, in percent.
    pub organization_percent: u32,
    /// How long an export or a download may take. Its reader can resume it.
    pub stream_time: Duration,
}

impl Default for CallLimits {
    fn default() -> Self {
        Self {
            // What two cores answer within about 100 ms: a longer queue only makes answers late.
            checks: 500,
            reads: 200,
            // The queues of the organizations are shorter. This limits many organizations together.
            writes: 400,
            // Small ones, which wait for their organization. The large ones are limited by their memory.
            bulk: 32,
            streams: 16,
            // A sync of 100,000 members with five groups each, twice.
            memory: 768 << 20,
            organization_percent: 50,
            stream_time: Duration::from_secs(10 * 60),
        }
    }
}

impl CallLimits {
    fn calls(&self, kind: CallKind) -> usize {
        match kind {
            CallKind::Check => self.checks,
            CallKind::Read => self.reads,
            CallKind::Write => self.writes,
            CallKind::Bulk => self.bulk,
            CallKind::Stream => self.streams,
        }
    }

    fn organization_calls(&self, kind: CallKind) -> usize {
        let percent = usize::try_from(self.organization_percent).unwrap_or(100);
        (self.calls(kind) * percent).div_ceil(100).max(1)
    }

    fn organization_memory(&self) -> u64 {
        self.memory.saturating_mul(self.organization_percent.into()) / 100
    }
}

/// What the calls of a server use now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallUse {
    /// Running checks of email export.
    pub checks: usize,
    /// Running other reads.
    pub reads: usize,
    /// Running and waiting changes.
    pub writes: usize,
    /// Running directory syncs and imports.
    pub bulk: usize,
    /// Open exports and downloads.
    pub streams: usize,
    /// The bytes that all calls together have reserved.
    pub memory: u64,
}

/// The budgets of the calls of one server. Clones share them.
#[derive(Clone, Debug)]
pub struct CallBudgets(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limits: CallLimits,
    kinds: CallKinds,
    used: Mutex<Used>,
}

#[derive(Debug, Default)]
struct Used {
    server: Amount,
    /// The organizations that have calls.
    organizations: HashMap<OrganizationId, Amount>,
}

/// The calls of each kind, and their bytes.
#[derive(Debug, Default, PartialEq, Eq)]
struct Amount {
    calls: [usize; KINDS],
    bytes: u64,
}

/// Why a call is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Too many calls of this kind run: of the named organization, or in all.
    Calls(CallKind, Option<OrganizationId>),
    /// All memory that calls may reserve is reserved: by the named organization, or by all calls together.
    Memory(Option<OrganizationId>),
    /// The call alone needs more bytes than an organization may reserve, so it must not be repeated.
    TooLarge(Option<OrganizationId>),
}

impl Refused {
    /// Returns the answer to the refused call.
    pub(crate) fn into_status(self) -> Status {
        let whose = |name: &Option<OrganizationId>| match name {
            Some(name) => format!("the organization {name}"),
            None => "the server".to_owned(),
        };
        let text = match &self {
            Self::Calls(kind, name) => {
                format!("{} has too many {} at a time; try again later", whose(name), kind.plural())
            }
            Self::Memory(name) => format!("{} has no memory left for this call; try again later", whose(name)),
            Self::TooLarge(_) => {
                "the call needs more memory than one organization may use; send less in one call, or ask the operator for \
                 a higher --call-memory"
                    .to_owned()
            }
        };
        match self {
            Self::Calls(_, name) | Self::Memory(name) => status::overloaded(&text, name.as_ref(), true),
            Self::TooLarge(name) => status::overloaded(&text, name.as_ref(), false),
        }
    }
}

impl CallBudgets {
    /// Budgets with these limits.
    #[must_use]
    pub fn new(limits: CallLimits) -> Self {
        Self(Arc::new(Shared { limits, kinds: CallKinds::of_contract(), used: Mutex::default() }))
    }

    /// Returns the limits.
    #[must_use]
    pub fn limits(&self) -> CallLimits {
        self.0.limits
    }

    /// Returns what is used now.
    #[must_use]
    pub fn usage(&self) -> CallUse {
        let used = self.0.lock();
        let [checks, reads, writes, bulk, streams] = used.server.calls;
        CallUse { checks, reads, writes, bulk, streams, memory: used.server.bytes }
    }

    /// Takes a place for a call by the path of its RPC; `None` for health and reflection, which are not limited.
    ///
    /// # Errors
    /// The server has no place for a call of this kind.
    pub(crate) fn enter(&self, path: &str) -> Result<Option<Arc<CallPlace>>, Refused> {
        let Some(kind) = self.0.kinds.of_path(path) else { return Ok(None) };
        let calls = &mut self.0.lock().server.calls[kind.index()];
        if *calls >= self.0.limits.calls(kind) {
            return Err(Refused::Calls(kind, None));
        }
        *calls += 1;
        Ok(Some(Arc::new(CallPlace::new(self.0.clone(), kind))))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Used {
    /// Changes what an organization uses, and forgets the organization when it uses nothing.
    fn change(&mut self, organization: &OrganizationId, change: impl FnOnce(&mut Amount)) {
        let amount = self.organizations.entry(organization.clone()).or_default();
        change(amount);
        if *amount == Amount::default() {
            self.organizations.remove(organization);
        }
    }
}
