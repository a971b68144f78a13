import { useTitle } from "./components/head.js";
import { lazy } from "./components/lazy.js";
import { SessionContext } from "./context.js";
import { Frame } from "./frame.js";
import { useRoute } from "./navigation.js";
import type { Route } from "./routes.js";
import type { Session } from "./session/session.js";
import { useStore } from "./store.js";
import { GalleryView } from "./views/gallery-view.js";
import { HomeView } from "./views/home-view.js";
import { ImageView } from "./views/image-view.js";
import { KeysView } from "./views/keys-view.js";
import { OperationView } from "./views/operation-view.js";
import { OperationsView } from "./views/operations-view.js";
import { RejectedView } from "./views/rejected-view.js";
import { RetentionView } from "./views/retention-view.js";
import { VersionView } from "./views/version-view.js";
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
        {kind === "notSetUp" || kind === "signedOut" ? <SignInView /> : <View route={route} />}
      </Frame>
    </SessionContext.Provider>
  );
}

function View({ route }: { readonly route: Route }) {
  switch (route.view) {
    case "home":
      return <HomeView />;
    case "gallery":
      return <GalleryView gallery={route.gallery} />;
    case "image":
      return <ImageView image={route.image} />;
    case "create":
      return (
        <CreateView
          image={route.image}
          {...(route.version !== undefined && { version: route.version })}
        />
      );
    case "version":
      return <VersionView image={route.image} version={route.version} />;
    case "retention":
      return <RetentionView image={route.image} />;
    case "operations":
      return <OperationsView />;
    case "operation":
      return <OperationView operationId={route.operationId} />;
    case "keys":
      return <KeysView subscriptionId={route.subscriptionId} />;
    case "rejected":
      return <RejectedView />;
    case "unknown":
      return <UnknownView />;
  }
}

function UnknownView() {
  useTitle("No such page");
  return <h1>There is no such page</h1>;
}
