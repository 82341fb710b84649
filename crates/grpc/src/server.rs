//! The server: every service, the health of each service, and both versions of reflection.

use std::{sync::Arc, time::Duration};

use rollcall_app::{App, jobs::JobInfo};
use rollcall_decisions::{DecisionOptions, Decisions};
use rollcall_proto::v1::{
    assignment_service_server::AssignmentServiceServer, audit_service_server::AuditServiceServer,
    directory_service_server::DirectoryServiceServer, email_export_service_server::EmailExportServiceServer,
    job_service_server::JobServiceServer, member_service_server::MemberServiceServer,
    migration_service_server::MigrationServiceServer, organization_service_server::OrganizationServiceServer,
    report_service_server::ReportServiceServer,
};
use tonic::{server::NamedService, service::Routes};
use tower::Layer as _;

use crate::{
    access::{AccessControl, AccessLayer},
    budgets::{CallBudgets, CallLimits},
    connections::{ConnectionLimits, ServerListener, serve_connections},
    health,
    layers::CallLayer,
    services::Services,
    tokens::PageTokens,
};

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The descriptors for reflection cannot be read: a bug of the build.
    #[error("the descriptors cannot be read")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// The key of page tokens, which all replicas share, cannot be read from the database.
    #[error(transparent)]
    Store(#[from] rollcall_app::Error),
}

/// The limits of the listener of health checks: a probe opens a connection for each check.
const PROBES: ConnectionLimits = ConnectionLimits {
    open: 50,
    handshake: Duration::from_secs(5),
    idle: Duration::from_secs(60),
    age: Duration::from_secs(60 * 60),
};

/// Which clients a server accepts, and what limits a server and its clients.
#[derive(Clone, Debug)]
pub struct ServerLimits {
    /// Their connections.
    pub connections: ConnectionLimits,
    /// Their calls.
    pub calls: CallBudgets,
    /// The memory of email export decisions, and how old they may be.
    pub decisions: DecisionOptions,
    /// Who may call.
    pub access: AccessControl,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            connections: ConnectionLimits::default(),
            calls: CallBudgets::new(CallLimits::default()),
            decisions: DecisionOptions::default(),
            access: AccessControl::off(),
        }
    }
}

/// Serves on a listener until `shutdown`, then waits for running calls. `jobs` are the jobs that callers can run. Dropping
/// the future closes all connections.
///
/// # Errors
/// [`Error::Store`] when the database cannot be reached at the start.
pub async fn serve(
    app: App,
    mut jobs: Vec<JobInfo>,
    listener: impl Into<ServerListener>,
    limits: ServerLimits,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), Error> {
    let mut listener = listener.into();
    let key = app.page_token_key().await?;
    jobs.sort_by_key(|job| job.name);
    let stream_time = limits.calls.limits().stream_time;
    let decisions = Decisions::start(app.db().clone(), limits.decisions);
    let services = Services {
        app,
        decisions: decisions.clone(),
        pages: PageTokens::new(&key),
        jobs: Arc::from(jobs),
        stream_time,
    };
    let app = services.app.clone();
    let (health, health_service) = tonic_health::server::health_reporter();
    let mut routes = Routes::builder();
    routes.add_service(health_service.clone());
    add_reflection(&mut routes)?;
    let names = add_services(&mut routes, &services);
    for name in names.iter().chain(&[health::PROCESS]) {
        health::set(&health, name, true).await;
    }
    let draining = async {
        tokio::select! {
            () = shutdown => {}
            () = health::watch(&app, Some(&decisions), &health, &names) => {}
        }
        for name in names.iter().chain(&[""]) {
            health::set(&health, name, false).await;
        }
    };
    let service = AccessLayer(limits.access).layer(CallLayer(limits.calls).layer(routes.routes().prepare()));
    let probes = listener.take_health();
    let calls = serve_connections(listener, service, limits.connections, draining);
    let health = async {
        match probes {
            Some(probes) => {
                serve_connections(probes, Routes::new(health_service).prepare(), PROBES, std::future::pending()).await;
            }
            None => std::future::pending().await,
        }
    };
    // Health is answered until the last call is: the answer is then NOT_SERVING.
    tokio::select! {
        () = calls => {}
        () = health => {}
    }
    Ok(())
}

/// Serves only the health of the process on a listener until `shutdown`: for a process that answers no calls.
pub async fn serve_health(
    app: App,
    listener: impl Into<ServerListener>,
    limits: ConnectionLimits,
    shutdown: impl Future<Output = ()> + Send,
) {
    let (health, health_service) = tonic_health::server::health_reporter();
    health::set(&health, health::PROCESS, true).await;
    let draining = async {
        tokio::select! {
            () = shutdown => {}
            () = health::watch(&app, None, &health, &[]) => {}
        }
        health::set(&health, "", false).await;
    };
    serve_connections(listener.into(), Routes::new(health_service).prepare(), limits, draining).await;
}

fn add_services(routes: &mut tonic::service::RoutesBuilder, services: &Services) -> [&'static str; 9] {
    /// Adds a service, and returns its name for the health service.
    fn add<S>(routes: &mut tonic::service::RoutesBuilder, service: S) -> &'static str
    where
        S: tower::Service<http::Request<tonic::body::Body>, Error = std::convert::Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Response: axum_core::response::IntoResponse,
        S::Future: Send + 'static,
    {
        routes.add_service(service);
        S::NAME
    }
    [
        add(routes, OrganizationServiceServer::new(services.clone())),
        add(routes, AssignmentServiceServer::new(services.clone())),
        add(routes, MemberServiceServer::new(services.clone())),
        add(routes, DirectoryServiceServer::new(services.clone())),
        add(routes, EmailExportServiceServer::new(services.clone())),
        add(routes, MigrationServiceServer::new(services.clone())),
        add(routes, JobServiceServer::new(services.clone())),
        add(routes, ReportServiceServer::new(services.clone())),
        add(routes, AuditServiceServer::new(services.clone())),
    ]
}

fn add_reflection(routes: &mut tonic::service::RoutesBuilder) -> Result<(), tonic_reflection::server::Error> {
    // The error details are included so that grpcurl prints them. Each version of reflection describes the other one.
    let sets = [
        rollcall_proto::FILE_DESCRIPTOR_SET,
        tonic_types::pb::FILE_DESCRIPTOR_SET,
        tonic_health::pb::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
    ];
    let builder = || {
        let start = tonic_reflection::server::Builder::configure().include_reflection_service(false);
        sets.iter().fold(start, |builder, set| builder.register_encoded_file_descriptor_set(set))
    };
    routes.add_service(builder().build_v1()?);
    routes.add_service(builder().build_v1alpha()?);
    Ok(())
}
