/**
 * `text` for a terminal: without characters that would move its cursor or change its settings, which may stand in what
 * others have written, such as a URL of a list.
 */
export function printable(text: string): string {
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");
}
