// What the API refuses, as errors with the sentence that it gave.

/** A request that was refused, or not answered. */
export class ApiError extends Error {
  /**
   * @param {{code: string, status: number, detail: string, title?: string, fields?: {field: string, message: string}[],
   *   retryAfterS?: number|null}} problem
   */
  constructor({ code, status, detail, title = "", fields = [], retryAfterS = null }) {
    super(detail || title);
    this.name = "ApiError";
    this.code = code;
    this.status = status;
    this.title = title;
    this.fields = fields;
    this.retryAfterS = retryAfterS;
  }

  /** The server did not answer. */
  static unreachable() {
    return new ApiError({ code: "unreachable", status: 0, detail: "The server cannot be reached." });
  }

  /** Tell whether the same request may go well later. */
  get mayPass() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/**
 * Return the error that a response stands for.
 *
 * @param {Response} response
 * @returns {Promise<ApiError>}
 */
export async function problemOf(response) {
  return errorOf(response.status, await response.text().catch(() => ""), response.headers.get("Retry-After"));
}

/**
 * Return the error of a status, a body that should be a problem document, and a Retry-After header.
 *
 * @param {number} status
 * @param {string} text
 * @param {string|null} retryAfter
 */
export function errorOf(status, text, retryAfter = null) {
  let problem = {};
  try {
    problem = JSON.parse(text) ?? {};
  } catch {
    // A proxy's own page: its status is all that is of use.
  }
  return new ApiError({
    code: problem.code ?? "unexpected_answer",
    status,
    title: problem.title ?? "",
    detail: problem.detail ?? `The server answered with status ${status}.`,
    fields: problem.errors ?? [],
    retryAfterS: retryAfter === null ? null : Number.parseFloat(retryAfter) || null,
  });
}

/** Return what to tell a person of any error: a sentence, never a stack. */
export function sentenceOf(error) {
  return error instanceof ApiError ? error.message : "Something went wrong in this page. Load it again.";
}
