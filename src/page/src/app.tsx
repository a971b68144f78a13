import { lazy } from "./components/lazy.js";
import { SessionContext } from "./context.js";
import { Frame } from "./frame.js";
import { useRoute } from "./navigation.js";
import type { Route } from "./routes.js";
import type { Session } from "./session/session.js";
import { useStore } from "./store.js";
import { HomeView } from "./views/home-view.js";
import { ImageView } from "./views/image-view.js";
import { SignInView } from "./views/sign-in-view.js";

const CreateView = lazy(() =>
  import("./create/create-view.js").then((module) => module.CreateView),
);

export function App({ session }: { readonly session: Session }) {
  const route = useRoute();
  const { kind } = useStore(session.state);
  return (
    <SessionContext.Provider value={session}>
      <Frame route={route}>
        {kind === "notSetUp" || kind === "signedOut" ? (
          <SignInView />
        ) : (
          <View route={route} />
        )}
      </Frame>
    </SessionContext.Provider>
  );
}

function View({ route }: { readonly route: Route }) {
  switch (route.view) {
    case "home":
      return <HomeView />;
    case "image":
      return <ImageView image={route.image} />;
    case "create":
      return (
        <CreateView
          image={route.image}
          {...(route.version !== undefined && { version: route.version })}
        />
      );
    default:
      return <h1>There is no such page</h1>;
  }
}
