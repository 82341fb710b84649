//! The calls of the API of the service: running jobs and downloading reports.

use std::time::Duration;

use rollcall_bench::Result;
use rollcall_proto::v1::{
    self, JobRun, JobRunState, job_service_client::JobServiceClient, member_service_client::MemberServiceClient,
    report_service_client::ReportServiceClient,
};
use tonic::transport::Channel;

/// How long the first call waits for a run. After that the run is polled.
const WAIT: Duration = Duration::from_secs(60);

/// Runs a job to its end, and returns the run.
pub(crate) async fn run_job(channel: &Channel, job: &str) -> Result<JobRun> {
    let mut client = JobServiceClient::new(channel.clone());
    let wait_timeout = Some(WAIT.try_into()?);
    let request = v1::RunJobRequest { name: format!("jobs/{job}"), wait_timeout, ..Default::default() };
    let mut run = client.run_job(request).await?.into_inner().run.unwrap_or_default();
    while matches!(run.state(), JobRunState::Pending | JobRunState::Running) {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let request = v1::GetJobRunRequest { name: run.name };
        run = client.get_job_run(request).await?.into_inner().run.unwrap_or_default();
    }
    if run.state() != JobRunState::Succeeded {
        return Err(format!("the job {job} ended {}: {}", run.state().as_str_name(), run.failure).into());
    }
    Ok(run)
}

/// Returns the duration of a run by the database's clock.
pub(crate) fn duration(run: &JobRun) -> Result<Duration> {
    let (start, end) = run.start_time.zip(run.end_time).ok_or("the run has no start or end time")?;
    let seconds = (end.seconds - start.seconds) as f64 + f64::from(end.nanos - start.nanos) / 1e9;
    Ok(Duration::try_from_secs_f64(seconds)?)
}

/// Downloads the report of a run.
pub(crate) async fn download(channel: &Channel, run: &JobRun) -> Result<Vec<u8>> {
    let request = v1::DownloadReportRequest { name: run.report.clone(), ..Default::default() };
    let mut pieces = ReportServiceClient::new(channel.clone()).download_report(request).await?.into_inner();
    let mut report = Vec::new();
    while let Some(piece) = pieces.message().await? {
        report.extend_from_slice(&piece.data);
    }
    Ok(report)
}

/// Exports the members of an organization, and returns the number of bytes and lines.
pub(crate) async fn export(channel: &Channel, organization: &str) -> Result<(usize, usize)> {
    let parent = format!("organizations/{organization}");
    let request = v1::ExportMembersCsvRequest { parent, ..Default::default() };
    let mut pieces = MemberServiceClient::new(channel.clone()).export_members_csv(request).await?.into_inner();
    let (mut bytes, mut lines) = (0, 0);
    while let Some(piece) = pieces.message().await? {
        bytes += piece.data.len();
        lines += piece.data.iter().filter(|byte| **byte == b'\n').count();
    }
    Ok((bytes, lines))
}
