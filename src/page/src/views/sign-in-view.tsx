import { useSession } from "../context.js";
import { useStore } from "../store.js";
import { useTitle } from "../components/head.js";

export function SignInView() {
  const session = useSession();
  const state = useStore(session.state);
  const redirect = `${location.origin}/api/ui/`;
  useTitle("Sign in");
  return (
    <section class="card narrow">
      <div class="pad">
        <h1>Sigil</h1>
        <p class="muted">Image versions of your galleries, region by region.</p>
        {state.kind === "notSetUp" ? (
          <>
            <p>
              <strong>Sign-in is not set up.</strong> Register this page's address as a redirect of
              the application in Entra ID, and name the application to the service:
            </p>
            <pre tabIndex={0}>
              {`node infra/register-app.mjs --spa ${redirect}\nSIGIL_UI_CLIENT_ID={client id that it prints}`}
            </pre>
          </>
        ) : (
          <button type="button" class="primary" onClick={() => void session.signIn()}>
            Sign in
          </button>
        )}
        <div role="alert">
          {state.error !== undefined && <p class="error-text">Sign-in failed. {state.error}</p>}
        </div>
      </div>
    </section>
  );
}
