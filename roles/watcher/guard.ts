import { isIP } from "node:net";
import { hostname } from "node:os";

/**
 * Why a request is not answered; `undefined` when it is. The page asks nobody for a password, so two things keep other
 * people's pages out, which a browser beside it may have open:
 *
 * - the name it was asked by must be this machine's, or an address: a foreign name that somebody has pointed here (DNS
 *   rebinding) would make a foreign page one of ours;
 * - what changes something must come from our own page.
 *
 * @param boundTo the host that the page is served at
 */
export function refusalOf(request: Request, boundTo: string): string | undefined {
  const host = request.headers.get("host") ?? "";
  if (!isOwnName(host, boundTo)) return `this page is not called ${host}: open it by the machine's address`;
  if (request.method === "GET" || request.method === "HEAD") return undefined;
  const origin = request.headers.get("origin");
  const site = request.headers.get("sec-fetch-site");
  const isOwnPage =
    (origin === null || origin === `http://${host}`) && (site ?? "same-origin") === "same-origin";
  return isOwnPage ? undefined : "only the page itself may change anything";
}

function isOwnName(host: string, boundTo: string): boolean {
  const name = host.replace(/:\d+$/, "").toLowerCase();
  const own = hostname().toLowerCase();
  const isAddress = isIP(name.replace(/^\[(.*)\]$/, "$1")) !== 0;
  return isAddress || ["localhost", own, `${own}.local`, boundTo.toLowerCase()].includes(name);
}
