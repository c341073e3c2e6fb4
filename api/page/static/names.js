// Names of the files behind jobs. The server is not told them: they stay in this browser, for the newest jobs.

const STORE = "avemotion-names";
const MOST = 500;

/** Return what a person would call a job. */
export function nameOfJob(job) {
  return job.reference ?? read()[job.job_id] ?? `Job ${shortId(job.job_id)}`;
}

/** Return the end of an id: its beginning is the time, which neighbours share. */
export function shortId(id) {
  return id.slice(-8);
}

/** Keep the name of a job's file. */
export function keepName(jobId, name) {
  const entries = [...Object.entries(read()), [jobId, name]].slice(-MOST);
  write(Object.fromEntries(entries));
}

/** Forget the name of a job, or all names. */
export function forgetName(jobId = null) {
  const names = jobId === null ? {} : read();
  delete names[jobId];
  write(names);
}

function read() {
  try {
    return JSON.parse(localStorage.getItem(STORE) ?? "{}");
  } catch {
    return {};
  }
}

function write(names) {
  try {
    localStorage.setItem(STORE, JSON.stringify(names));
  } catch {
    // Storage is off or full: jobs are then called by their ids.
  }
}
