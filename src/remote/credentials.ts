/** Names and passwords in addresses, http://user:secret@host/: sent as a header, since `fetch` refuses them, and shown to nobody. */

export interface PlainAddress {
  readonly address: string;
  /** The value of the Authorization header (RFC 7617), where the address held a name or password. */
  readonly authorization?: string;
}

/** What stands before the host. Browsers and Node take 'http:host' for 'http://host'. */
const CREDENTIALS = /^(\s*(?:https?:[\\/]*|[a-z][a-z\d+.-]*:[\\/]{2,}))[^\\/?#]*@/i;

/** An absolute address without its name and password. Another text is returned as it is. */
export function withoutCredentials(text: string): PlainAddress {
  if (!CREDENTIALS.test(text)) return { address: text };
  const address = text.replace(CREDENTIALS, '$1');
  try {
    const { username, password } = new URL(text);
    const pair = new TextEncoder().encode(`${decoded(username)}:${decoded(password)}`);
    return { address, authorization: `Basic ${btoa(String.fromCharCode(...pair))}` };
  } catch {
    return { address }; // no address: whoever fetches it says so
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a per cent sign that stands for itself
  }
}
