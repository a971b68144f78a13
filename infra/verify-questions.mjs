// What infra/verify.mjs asks of Azure, by the ids of infra/expectations.json. Each has versions of its own: they are asked at one time.
import { az, said } from "./verify-azure.mjs";

const NOT_SOFTLY = { unanswered: "It is asked with --soft-delete alone." };

/** `made`: what infra/verify.bicep has made. `choices` is filled with what a simulator takes. */
export function questions(made, azure, { home, away, group, softly, long, asksKeys, choices }) {
  const { imageId, sourceId, sets, deadKey, deadVault, apiUrl, audience, busUrl, appName } = made;
  const { call, gone, pause, settled, until } = azure;
  const gallery = imageId.split("/images/")[0];
  const groupId = gallery.split("/providers/")[0];

  const at = (number, image = imageId) => `${image}/versions/${number}`;
  const region = (name, set, regionalReplicaCount = 1) => ({
    ...{ name, regionalReplicaCount, storageAccountType: "Standard_LRS" },
    ...(set && { encryption: { osDiskImage: { diskEncryptionSetId: set } } }),
  });
  const body = (targetRegions, id = sourceId) => ({
    location: home,
    properties: {
      storageProfile: { osDiskImage: { source: { id } } },
      publishingProfile: { targetRegions },
    },
  });
  const plain = body([region(home)]);
  const flags = (ofVersion, ofRegion) => {
    const content = body([{ ...region(home), excludeFromLatest: ofRegion }]);
    content.properties.publishingProfile.excludeFromLatest = ofVersion;
    return content;
  };
  const targets = ({ properties }) =>
    properties.publishingProfile.targetRegions.map((one) => one.excludeFromLatest ?? null);

  /** Another definition: latest is of a definition. */
  async function definition(name, features) {
    const { body: like } = await call("GET", imageId);
    const { identifier, ...rest } = like.properties;
    const content = {
      location: home,
      properties: {
        ...rest,
        ...(features && { features }),
        identifier: { ...identifier, sku: name },
      },
    };
    await accepted(call("PUT", `${gallery}/images/${name}`, content));
    return `${gallery}/images/${name}`;
  }
  async function accepted(asking) {
    const asked = await asking;
    if (asked.status >= 300) throw new Error(JSON.stringify(said(asked)));
    return asked;
  }
  const put = (number, content, image) => call("PUT", at(number, image), content);
  const make = (number, content = plain, image) => accepted(put(number, content, image));
  const makeAndSettle = async (number, content, image) => {
    await make(number, content, image);
    return await settled(at(number, image));
  };
  const read = async (number, image) => (await call("GET", at(number, image))).body;
  /** Writes again, once nothing else is written. */
  const change = (number, content, image) =>
    until(async () => {
      const asked = await put(number, content, image);
      return asked.status !== 409 && (await accepted(asked));
    });
  // A GET may be older than a write; a date that no other write has tells whether it is.
  const dated = (content, day) => {
    const { publishingProfile, ...rest } = content.properties;
    const endOfLifeDate = `2099-01-0${day}T00:00:00Z`;
    const properties = { ...rest, publishingProfile: { ...publishingProfile, endOfLifeDate } };
    return { ...content, properties };
  };
  async function settledAs(day, number, image) {
    await until(async () => {
      const { publishingProfile } = (await read(number, image)).properties ?? {};
      return publishingProfile?.endOfLifeDate?.startsWith(`2099-01-0${day}`);
    });
    return await settled(at(number, image));
  }
  async function shown(number, content, day) {
    await change(number, dated(content, day));
    await settledAs(day, number);
    return await read(number);
  }
  /** What is found twice, a minute apart: the first may be of before the write. */
  async function stable(find) {
    for (let before = await find(); ;) {
      await pause(6);
      const after = await find();
      if (after === before) return after;
      before = after;
    }
  }

  /** A machine of an image; its number, or why there is none. */
  async function machine(name, place, image, ...more) {
    const words = ["--resource-group", group, "--name", name, "--location", place];
    try {
      await az([
        ...["vm", "create", ...words, "--image", image, "--size", "Standard_B1s"],
        ...["--specialized", "--public-ip-address", "", "--nsg", "", ...more],
      ]);
    } catch ({ message }) {
      return { refused: message };
    }
    const id = `${groupId}/providers/Microsoft.Compute/virtualMachines/${name}`;
    const { imageReference = {}, osDisk = {} } = (await call("GET", id)).body.properties
      .storageProfile;
    return { latest: imageReference.exactVersion ?? null, disk: osDisk.managedDisk?.id };
  }

  async function publish(number) {
    const api = (method, path, content) =>
      call(method, apiUrl + path, content, { scope: `api://${audience}/.default` });
    const path = at(number).replace("/providers/Microsoft.Compute", "");
    const both = body([region(home, sets[0]), region(away, sets[1])]);
    const asked = await api("PUT", path, both);
    if (asked.status !== 202) return said(asked);
    const regions = await settled(at(number));
    const { status, error } = await until(async () => {
      const { body } = await api("GET", `/operations/${asked.body.id}`);
      return body.status !== "Running" && body;
    });
    return { regions, status, error };
  }

  // A role on a vault takes minutes to count. Until one version has come with each set, an answer about keys would be about roles.
  let trials = 0;
  const keysCount = asksKeys
    ? until(async () => {
        trials += 1;
        const tried = [
          [`0.2.${trials}`, [region(home, sets[0]), region(away, sets[1])]],
          [`0.3.${trials}`, [region(home, sets[0]), region(away, sets[2])]],
        ].map(async ([number, regions]) => {
          if ((await put(number, body(regions))).status >= 300) return false;
          return (await settled(at(number))).provisioningState === "Succeeded";
        });
        return !(await Promise.all(tried)).includes(false);
      }, 30)
    : Promise.resolve();
  keysCount.catch(() => {}); // The questions about keys say it.

  const enable = (isEnabled) =>
    az(["keyvault", "key", "set-attributes", "--id", deadKey, "--enabled", String(isEnabled)]);
  const withDeadKey = () => body([region(home, sets[0]), region(away, sets[2])]);
  /** A creation whose key is dead in one region: dead before the PUT, or, where that is refused, right after it. */
  const once = (find) => {
    let found;
    return () => (found ??= find());
  };
  const failing = once(async () => {
    await keysCount;
    await enable(false);
    let number = "0.0.4";
    const first = await put(number, withDeadKey());
    let asked = first;
    if (first.status >= 300) {
      await enable(true);
      number = "0.0.12";
      asked = await change(number, withDeadKey());
      // Another one is to be deleted, where that is asked.
      if (softly) await change("0.0.13", withDeadKey());
      await enable(false);
    } else if (softly) await make("0.0.13", withDeadKey());
    return { first, asked, number, regions: await settled(at(number)) };
  });
  const repaired = once(async () => {
    const { number, regions } = await failing();
    await enable(true);
    if (regions.failed.length === 0) throw new Error("No region has failed.");
    const without = body([region(home, sets[0])]);
    without.properties.safetyProfile = { allowDeletionOfReplicatedLocations: true };
    const removed = said(await put(number, dated(without, 1)));
    if (removed.status < 300) await settledAs(1, number);
    const added = await change(number, dated(withDeadKey(), 2));
    const { provisioningState, failed } = await settledAs(2, number);
    return { removed, added: added.status, provisioningState, failed };
  });

  // Of latest, one after the other: they share a definition.
  const ready = once(async () => {
    const image = await definition("ready");
    const both = body([region(home), region(away)]);
    await makeAndSettle("1.0.0", both, image);
    await make("1.0.1", both, image);
    const got = await machine("v-copying", away, image);
    const { body: now } = await call("GET", `${at("1.0.1", image)}?$expand=ReplicationStatus`);
    const states = (now.properties?.replicationStatus?.summary ?? []).map(({ state }) => state);
    const copying = states.some((state) => !/Completed|Failed/u.test(state));
    await settled(at("1.0.1", image));
    return { image, ...got, copying };
  });
  const byLatest = once(async () => {
    const { image } = await ready();
    // The lower one is being updated, in a region more of its copies.
    await change("1.0.0", body([region(home), region(away, undefined, 2)]), image);
    const got = await machine("v-latest", home, image);
    await settled(at("1.0.0", image));
    return { image, ...got };
  });
  const creationOf = async (disk) => {
    if (disk === undefined) return null;
    const { creationData = {} } = (await call("GET", disk)).body.properties;
    const member = ["galleryImageReference", "imageReference"].find((name) => creationData[name]);
    const { id = "" } = creationData[member] ?? {};
    return { member: member ?? null, names: /\/versions\//iu.test(id) ? "version" : "definition" };
  };

  const snapshotOf = async (name, source, incremental, set) =>
    await accepted(
      call("PUT", `${groupId}/providers/Microsoft.Compute/snapshots/${name}`, {
        location: home,
        properties: {
          creationData: { createOption: "Copy", sourceResourceId: source },
          incremental,
          ...(set && {
            encryption: { type: "EncryptionAtRestWithCustomerKey", diskEncryptionSetId: set },
          }),
        },
      }),
    );
  /** What becomes of it; a refusal is an answer. */
  const tried = async (number, source, image) => {
    const asked = await put(number, body([region(home, sets[0])], source), image);
    if (asked.status >= 300) return said(asked);
    const { provisioningState } = await settled(at(number, image));
    return { status: asked.status, provisioningState };
  };
  const trustedDisk = async (name) => {
    await az([
      ...["disk", "create", "--resource-group", group, "--name", name],
      ...["--location", home, "--image-reference", "Canonical:ubuntu-24_04-lts:server:latest"],
      ...["--hyper-v-generation", "V2", "--security-type", "TrustedLaunch"],
      ...["--encryption-type", "EncryptionAtRestWithCustomerKey"],
      ...["--disk-encryption-set", sets[0]],
    ]);
    return `${groupId}/providers/Microsoft.Compute/disks/${name}`;
  };
  const deletedSoftly = async (number) => {
    await makeAndSettle(number);
    await call("DELETE", at(number));
    return await gone(at(number));
  };

  return {
    "admin.isolation": async () => {
      const words = ["--resource-group", group, "--name", appName];
      const { masterKey } = await az(["functionapp", "keys", "list", ...words]);
      const asAdmin = { scope: "", headers: { "x-functions-key": masterKey } };
      const { origin } = new URL(apiUrl);
      const host = await call("GET", `${origin}/admin/host/status`, undefined, asAdmin);
      const admin = `${origin}/admin/functions/image-version-requests`;
      const started = await call("POST", admin, { input: "{}" }, asAdmin);
      return { host: host.status, started: started.status };
    },
    "publish.time": async () => {
      await keysCount;
      return await Promise.all([publish("1.0.0"), publish("1.0.1")]);
    },
    "reads.age": async () => {
      await make("0.0.1");
      const older = { get: [], list: [] };
      let looks = 0;
      for (let round = 1; round <= 40; round += 1) {
        await settled(at("0.0.1"));
        const tags = { round: String(round) };
        const same = (one) => one.tags?.round === tags.round;
        const { atMs } = await change("0.0.1", { ...plain, tags });
        // At once, by four connections: one answer of each look is as old as the oldest.
        for (let look = 1; look <= 20; look += 1, await pause(0.1)) {
          const [page, ...reads] = await Promise.all([
            call("GET", `${imageId}/versions`),
            ...[1, 2, 3, 4].map(() => read("0.0.1")),
          ]);
          const { value = [] } = page.body;
          if (!reads.every(same)) older.get.push(Date.now() - atMs);
          if (!value.some(same)) older.list.push(Date.now() - atMs);
          looks += 1;
          if (reads.every(same) && value.some(same) && look >= 5) break;
        }
      }
      const [get, list] = [older.get, older.list].map((all) => Math.max(0, ...all));
      choices.readLagMs = Math.max(get, list);
      const times = { get: older.get.length, list: older.list.length };
      return { looks, times, mostMs: choices.readLagMs, most: { get, list } };
    },
    "reads.equal": async () => {
      await makeAndSettle("0.0.6");
      const find = async () => JSON.stringify(await read("0.0.6"));
      await stable(find);
      return { equal: (await find()) === (await find()) };
    },
    "list.replicationStatus": async () => {
      await makeAndSettle("0.0.7");
      const shows = async (query) => {
        const { status, body } = await call("GET", `${imageId}/versions${query}`);
        const { value = [] } = body;
        return { status, shown: value.some((one) => one.properties?.replicationStatus) };
      };
      return { plain: await shows(""), expanded: await shows("?$expand=ReplicationStatus") };
    },
    "limits.headers": async () => {
      const seen = {};
      for (let look = 0; look < 50; look += 1)
        for (const [name, value] of (await call("GET", `${imageId}/versions`)).told)
          if (/ratelimit-remaining|^retry-after$/u.test(name)) (seen[name] ??= []).push(value);
      const ends = Object.entries(seen).map(([name, all]) => [name, [all[0], all.at(-1)]]);
      return { names: Object.keys(seen).sort(), firstAndLast: Object.fromEntries(ends) };
    },
    "write.deleteWhilePut": async () => {
      await make("0.0.2");
      const answer = said(await call("DELETE", at("0.0.2")));
      const { properties, error } = await read("0.0.2");
      const state = properties?.provisioningState ?? error?.code;
      if (answer.status >= 300) {
        choices.deleteWhilePut = "conflict";
        return { answer, shown: state };
      }
      choices.deleteWhilePut = "accepted";
      return { answer, shown: state, gone: await gone(at("0.0.2")) };
    },
    "write.putWhilePut": async () => {
      await make("0.0.3");
      const answer = said(await put("0.0.3", { ...plain, tags: { a: "b" } }));
      await settled(at("0.0.3"));
      return { answer, inTheEnd: (await read("0.0.3")).tags };
    },
    "write.flagsWhilePut": async () => {
      await make("0.0.8");
      const answer = said(await put("0.0.8", body([{ ...region(home), excludeFromLatest: true }])));
      await settled(at("0.0.8"));
      return { answer, inTheEnd: targets(await read("0.0.8")) };
    },
    "flags.kept": async () => ({
      repeated: targets(await shown("0.0.9", flags(true, true), 1)),
    }),
    "flags.omitted": async () => {
      await shown("0.0.10", { ...flags(true, true), tags: { a: "b" } }, 1);
      const found = await shown("0.0.10", body([region(home)]), 2);
      const answer = {
        version: found.properties.publishingProfile.excludeFromLatest ?? false,
        regions: targets(found),
        tags: Object.keys(found.tags ?? {}),
      };
      choices.omission = {
        mode: answer.tags.length > 0 ? "keep" : "clear",
        excludeFromLatest: answer.version ? "keep" : "false",
      };
      return answer;
    },
    "write.changedBy": async () => {
      await makeAndSettle("0.0.11");
      const { lastModifiedBy, lastModifiedByType } = (await read("0.0.11")).systemData ?? {};
      return { known: lastModifiedBy !== undefined, type: lastModifiedByType ?? null };
    },
    "latest.regionOverVersion": async () => {
      const image = await definition("flags");
      await makeAndSettle("1.0.0", flags(true, false), image);
      const got = await machine("v-flags", home, image);
      choices.exclusionReading = got.latest === "1.0.0" ? "regionFirst" : "either";
      return { latest: got.latest ?? null, refused: got.refused };
    },
    "latest.notReady": async () => {
      const { latest = null, refused, copying } = await ready();
      if (!copying) throw new Error("The copy was done before the machine was.");
      const isItself = latest === "1.0.1" || /1\.0\.1/u.test(refused ?? "");
      choices.latestWhereNotReady = latest === "1.0.0" ? "below" : isItself ? "itself" : "none";
      return { latest, refused };
    },
    "latest.whileUpdating": async () => {
      const { latest = null, refused } = await byLatest();
      return { latest, refused };
    },
    "machine.image": async () => {
      const { image, disk } = await byLatest();
      await keysCount;
      const encrypted = ["--os-disk-encryption-set", sets[0]];
      const numbered = await machine("v-number", home, at("1.0.1", image), ...encrypted);
      return { byLatest: await creationOf(disk), byNumber: await creationOf(numbered.disk) };
    },
    "snapshot.source": async () => {
      const id = `${groupId}/providers/Microsoft.Compute/disks/v-parent`;
      const properties = { diskSizeGB: 4, creationData: { createOption: "Empty" } };
      await accepted(call("PUT", id, { location: home, properties }));
      await until(async () => (await call("GET", id)).status === 200);
      await snapshotOf("v-child", id, false);
      const child = `${groupId}/providers/Microsoft.Compute/snapshots/v-child`;
      const found = async () => (await call("GET", child)).body.properties;
      await until(async () => (await found())?.provisioningState === "Succeeded");
      await call("DELETE", id);
      await gone(id);
      return { kept: (await found()).creationData?.sourceResourceId !== undefined };
    },
    "version.failedWhen": async () => {
      const { asked, regions } = await failing();
      const operation = asked.told.get("azure-asyncoperation");
      const end = operation === null ? undefined : said(await call("GET", operation));
      if (regions.provisioningState === "Failed")
        choices.failsWhen = regions.running.length > 0 ? "firstRegion" : "allSettled";
      return { status: asked.status, regions, end };
    },
    "key.when": async () => {
      const { first, regions } = await failing();
      const when = first.status >= 300 ? "before" : regions.failed.length > 0 ? "while" : "never";
      return { when, ...said(first) };
    },
    "region.failed": repaired,
    "keys.read": async () => {
      await repaired().catch(() => {});
      const key = `${deadVault}/keys/dead`;
      await enable(true);
      const isEnabled = async () => (await call("GET", key)).body.properties?.attributes?.enabled;
      await until(async () => (await isEnabled()) !== false);
      await enable(false);
      const began = Date.now();
      await until(async () => (await isEnabled()) === false, 30);
      const seconds = (Date.now() - began) / 1_000;
      const { status, told, body } = await call("GET", `${deadVault}/keys`);
      const shown = body.value?.some((one) => one.properties?.attributes?.enabled !== undefined);
      const limits = [...told.keys()].filter((name) => /ratelimit/u.test(name));
      return { seconds, list: { status, shown: shown ?? false }, limits };
    },
    "softDelete.date": async () => {
      if (!softly) return NOT_SOFTLY;
      await makeAndSettle("0.0.5");
      const date = async () =>
        (await read("0.0.5")).properties?.publishingProfile?.publishedDate ?? null;
      const before = await stable(date);
      await call("DELETE", at("0.0.5"));
      const deleted = await gone(at("0.0.5"));
      await make("0.0.5", { location: home, properties: { restore: true } });
      await settled(at("0.0.5"));
      const after = await stable(date);
      choices.dateAfterRestore = after === before ? "kept" : "new";
      return { deleted, before, after, date: choices.dateAfterRestore };
    },
    "softDelete.restore": async () => {
      if (!softly) return NOT_SOFTLY;
      const ways = {
        location: ["0.5.1", "PUT", { location: home }],
        patch: ["0.5.2", "PATCH", { properties: { restore: true } }],
      };
      const answers = await Promise.all(
        Object.entries(ways).map(async ([way, [number, method, content]]) => {
          await deletedSoftly(number);
          const asked = await call(method, at(number), content);
          if (asked.status >= 300) return [way, said(asked)];
          await settled(at(number));
          const [{ regionalReplicaCount: replicas }] = (await read(number)).properties
            .publishingProfile.targetRegions;
          return [way, { status: asked.status, replicas }];
        }),
      );
      return Object.fromEntries(answers);
    },
    "softDelete.number": async () => {
      if (!softly) return NOT_SOFTLY;
      await deletedSoftly("0.5.3");
      return said(await put("0.5.3", plain));
    },
    "softDelete.purge": async () => {
      if (!softly) return NOT_SOFTLY;
      await Promise.all([deletedSoftly("0.5.4"), deletedSoftly("0.5.5")]);
      const artifact = imageId.replace("/images/", "/softDeletedArtifactTypes/Images/artifacts/");
      const path = said(await call("DELETE", `${artifact}/versions/0.5.4`));
      const bypass = said(await call("DELETE", `${at("0.5.5")}?bypassSoftDelete=true`));
      const listed = async () =>
        ((await call("GET", `${artifact}/versions`)).body.value ?? []).map(({ name }) => name);
      await until(async () => !(await listed()).includes("0.5.4"), 20).catch(() => {});
      const left = await listed();
      return { path, bypass, purged: !left.includes("0.5.4"), bypassed: !left.includes("0.5.5") };
    },
    "softDelete.failed": async () => {
      if (!softly) return NOT_SOFTLY;
      await failing();
      const { provisioningState } = await settled(at("0.0.13"));
      if (provisioningState !== "Failed") throw new Error("No version has failed.");
      const plainly = said(await call("DELETE", at("0.0.13")));
      if (plainly.status >= 400) choices.failedSoftDelete = plainly.code;
      const bypass = said(await call("DELETE", `${at("0.0.13")}?bypassSoftDelete=true`));
      return { plainly, bypass };
    },
    "bus.duplicates": async () => {
      const scope = { scope: "https://servicebus.azure.net/.default" };
      const send = async (id, more = {}) => {
        const BrokerProperties = JSON.stringify({ MessageId: id, ...more });
        await accepted(
          call(
            "POST",
            `${busUrl}verify/messages`,
            { id },
            { ...scope, headers: { BrokerProperties } },
          ),
        );
      };
      const batch = (id) =>
        accepted(
          call(
            "POST",
            `${busUrl}verify/messages`,
            [1, 2].map((Body) => ({ Body: String(Body), BrokerProperties: { MessageId: id } })),
            { ...scope, headers: { "Content-Type": "application/vnd.microsoft.servicebus.json" } },
          ),
        );
      // A role on the namespace takes minutes to count.
      await until(
        () =>
          send("minute").then(
            () => true,
            () => false,
          ),
        30,
      );
      await send("hour");
      await send("scheduled");
      const soon = new Date(Date.now() + 60_000).toUTCString();
      await send("scheduled", { ScheduledEnqueueTimeUtc: soon });
      await batch("batch");
      await pause(6);
      await send("minute");
      if (long) {
        await pause(360);
        await send("hour");
      }
      await pause(6);
      const received = {};
      const head = `${busUrl}verify/subscriptions/all/messages/head?timeout=5`;
      for (;;) {
        const { status, told } = await call("DELETE", head, undefined, scope);
        if (status === 204) break;
        if (status >= 300) throw new Error(`A message is received with ${status}.`);
        const { MessageId } = JSON.parse(told.get("brokerproperties"));
        received[MessageId] = (received[MessageId] ?? 0) + 1;
      }
      return { ...received, hour: long ? received.hour : null };
    },
    "gallery.tenWrites": async () => {
      const image = await definition("ten");
      const numbers = Array.from({ length: 10 }, (_, index) => `1.0.${index}`);
      await Promise.all(numbers.map((number) => makeAndSettle(number, plain, image)));
      const more = body([region(home, undefined, 2)]);
      const timed = async (number) => {
        const began = Date.now();
        const { status, told, body: answered } = await put(number, dated(more, 1), image);
        if (status >= 300)
          return {
            status,
            code: said({ status, body: answered }).code,
            retryAfter: told.get("retry-after"),
          };
        await settledAs(1, number, image);
        return { status, seconds: (Date.now() - began) / 1_000 };
      };
      const alone = await timed("1.0.0");
      const together = await Promise.all(numbers.slice(1).map(timed));
      const refused = together.filter(({ status }) => status >= 300);
      const seconds = together.map((one) => one.seconds ?? 0);
      return {
        alone,
        refused: refused.length,
        refusals: refused,
        mostSeconds: Math.max(...seconds),
      };
    },
    "capture.sources": async () => {
      await keysCount;
      const types = { trusted: "TrustedLaunch", supported: "TrustedLaunchSupported" };
      for (const [name, value] of Object.entries(types))
        await definition(name, [{ name: "SecurityType", value }]);
      const disk = await trustedDisk("v-trusted");
      const snapshot = (name) => `${groupId}/providers/Microsoft.Compute/snapshots/${name}`;
      await snapshotOf("v-full", disk, false, sets[0]);
      await snapshotOf("v-incremental", disk, true, sets[0]);
      for (const name of ["v-full", "v-incremental"])
        await until(
          async () =>
            (await call("GET", snapshot(name))).body.properties?.provisioningState === "Succeeded",
        );
      const trusted = `${gallery}/images/trusted`;
      const [ofDisk, full, supported, incremental] = await Promise.all([
        tried("1.0.0", disk, trusted),
        tried("1.0.1", snapshot("v-full"), trusted),
        tried("1.0.0", snapshot("v-full"), `${gallery}/images/supported`),
        tried("1.0.2", snapshot("v-incremental"), trusted),
      ]);
      // May the snapshot go while a version copies it, and after?
      const again = await put("1.0.3", body([region(home, sets[0])], snapshot("v-full")), trusted);
      const whileItCopies = said(await call("DELETE", snapshot("v-full")));
      const copied = again.status < 300 ? await settled(at("1.0.3", trusted)) : said(again);
      const after = said(await call("DELETE", snapshot("v-incremental")));
      return { disk: ofDisk, full, supported, incremental, whileItCopies, copied, after };
    },
    // The second step: a version in another region than its machine.
    "capture.otherRegion": async () => {
      await keysCount;
      const far = await definition("far", [{ name: "SecurityType", value: "TrustedLaunch" }]);
      await snapshotOf("v-near", await trustedDisk("v-far"), true, sets[0]);
      const snapshots = `${groupId}/providers/Microsoft.Compute/snapshots`;
      const shown = async (name) => (await call("GET", `${snapshots}/${name}`)).body.properties;
      await until(async () => (await shown("v-near"))?.provisioningState === "Succeeded");
      const encryption = { type: "EncryptionAtRestWithCustomerKey", diskEncryptionSetId: sets[1] };
      const creationData = { createOption: "CopyStart", sourceResourceId: `${snapshots}/v-near` };
      const asked = await call("PUT", `${snapshots}/v-copy`, {
        location: away,
        properties: { creationData, incremental: true, encryption },
      });
      if (asked.status >= 300) return { copy: said(asked) };
      const began = Date.now();
      await until(async () => {
        const { provisioningState, completionPercent = 100 } = (await shown("v-copy")) ?? {};
        return provisioningState === "Succeeded" && completionPercent >= 100;
      });
      const seconds = (Date.now() - began) / 1_000;
      const content = body([region(away, sets[1])], `${snapshots}/v-copy`);
      const made = await put("1.0.0", { ...content, location: away }, far);
      const version = made.status < 300 ? await settled(at("1.0.0", far)) : said(made);
      return { copy: { status: asked.status, seconds }, version };
    },
    "refusals.words": async () => {
      const cases = {
        0.1: plain,
        "0.1.1": body([region(home)], `${sourceId}-none`),
        "0.1.2": body([region(home), region("atlantis")]),
        "0.1.3": body([region(away)]),
        "0.1.4": body([region(home, undefined, 101)]),
        "0.1.5": body([region(home, sets[1])]),
        "0.1.6": body([region(home, sets[0]), region(away)]),
      };
      const answers = {};
      for (const [number, content] of Object.entries(cases))
        answers[number] = said(await put(number, content));
      return answers;
    },
  };
}
