DROP TABLE job_run_refusals;
