/** Who is signed in, as the platform sees it. */
import { graphql, type ResultOf } from "../graphql/documents";
import { send } from "../graphql/transport";
import { useQuery } from "../live/use";

const ViewerQuery = graphql(`
  query Viewer { viewer { subject organization roles expiresAt } }
`);

export type Viewer = ResultOf<typeof ViewerQuery>["viewer"];

export function useViewer(): Viewer | null {
  return useQuery("viewer", () => send(ViewerQuery, {})).data?.viewer ?? null;
}
