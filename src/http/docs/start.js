"use strict";
// Shows the document of the service that it came from.
document.documentElement.classList.toggle(
  "dark-mode",
  matchMedia("(prefers-color-scheme: dark)").matches,
);
SwaggerUIBundle({
  url: new URL("../openapi.json", document.currentScript.src).href,
  dom_id: "#documentation",
  deepLinking: true,
  validatorUrl: null, // Swagger's own validator is on the Internet.
});
