//! Who may call: the credentials of a call give a principal, the contract gives the role that the RPC needs, and the request
//! names the organization. Everything else is refused.

mod credentials;
mod expiry;
mod layer;
mod log;
mod methods;
mod rights;
mod status;

use std::sync::Arc;

use rollcall_auth::{Authenticator, Principal};

pub(crate) use self::{
    layer::AccessLayer,
    rights::{CallRights, actor, authorize, authorize_all, scope},
};
use self::{log::RefusalLog, methods::MethodRules};

/// Which callers a server accepts. The clones share their log.
#[derive(Clone, Debug)]
pub struct AccessControl(Arc<AccessShared>);

#[derive(Debug)]
struct AccessShared {
    /// `None`: every caller is anonymous and may do everything.
    authenticator: Option<Authenticator>,
    /// False: a call that would be refused is logged and answered.
    enforced: bool,
    methods: MethodRules,
    anonymous: Arc<Principal>,
    log: RefusalLog,
}

impl AccessControl {
    /// Accepts every caller, with the name `anonymous`. Use it only for a server that listens on this machine only.
    #[must_use]
    pub fn off() -> Self {
        Self::new(None, true)
    }

    /// Refuses calls without valid credentials, and calls that the caller has no right to.
    #[must_use]
    pub fn required(authenticator: Authenticator) -> Self {
        Self::new(Some(authenticator), true)
    }

    /// Logs the calls that [`AccessControl::required`] would refuse, and answers them. A caller without valid credentials is
    /// `anonymous`.
    #[must_use]
    pub fn log_only(authenticator: Authenticator) -> Self {
        Self::new(Some(authenticator), false)
    }

    fn new(authenticator: Option<Authenticator>, enforced: bool) -> Self {
        let anonymous = Arc::new(Principal::anonymous());
        let methods = MethodRules::of_contract();
        Self(Arc::new(AccessShared { authenticator, enforced, methods, anonymous, log: RefusalLog::default() }))
    }
}
