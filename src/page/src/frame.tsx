import type { ComponentChildren } from "preact";
import { useSession } from "./context.js";
import { Link } from "./navigation.js";
import type { Route } from "./routes.js";
import { useStore } from "./store.js";

const PLACES: readonly {
  readonly name: string;
  readonly to: Route;
  readonly views: readonly Route["view"][];
}[] = [
  {
    name: "Images",
    to: { view: "home" },
    views: ["home", "gallery", "image", "version", "create", "retention"],
  },
  {
    name: "Operations",
    to: { view: "operations" },
    views: ["operations", "operation"],
  },
  { name: "Keys", to: { view: "keys" }, views: ["keys"] },
  {
    name: "Rejected requests",
    to: { view: "rejected" },
    views: ["rejected"],
  },
];

/** What is around every view: where one is, and who. */
export function Frame({
  route,
  children,
}: {
  readonly route: Route;
  readonly children: ComponentChildren;
}) {
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header class="top">
        <Link to={{ view: "home" }} class="brand">
          Sigil
        </Link>
        <nav aria-label="Sigil">
          {PLACES.map(({ name, to, views }) => (
            <Link key={name} to={to} current={views.includes(route.view)}>
              {name}
            </Link>
          ))}
        </nav>
        <Who />
      </header>
      <Expired />
      <main id="main" tabIndex={-1}>
        {children}
      </main>
    </>
  );
}

function Who() {
  const session = useSession();
  const state = useStore(session.state);
  if (!("person" in state)) return null;
  const { name, role } = state.person;
  return (
    <div class="who">
      <span>
        {name} <span class="badge">{role ?? "no role"}</span>
      </span>
      <button type="button" class="subtle" onClick={() => session.signOut()}>
        Sign out
      </button>
    </div>
  );
}

function Expired() {
  const session = useSession();
  const state = useStore(session.state);
  return (
    <div role="alert">
      {state.kind === "expired" && (
        <div class="bar warning">
          <span>
            The sign-in has ended. What is shown stays, and is not updated.{" "}
            {state.error}
          </span>
          <button type="button" onClick={() => void session.signIn()}>
            Sign in
          </button>
        </div>
      )}
    </div>
  );
}
