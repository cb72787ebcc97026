/** The text of `taskwright --help`. */
export const help: string = `taskwright runs many thousands of requests at once, politely.

  taskwright fetch [flags] URL...   ask many URLs, write a line of JSON for each
  taskwright demo                   see it at work, against a server of its own
  taskwright --version

taskwright fetch --help tells all about it.
`;
