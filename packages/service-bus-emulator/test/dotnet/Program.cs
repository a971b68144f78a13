// Does with the .NET client what its users do, and ends with 1 and what went wrong at the first step that fails.
using Azure.Messaging.ServiceBus;
using Azure.Messaging.ServiceBus.Administration;

// By TLS the client takes the port from there alone.
var endpoint = args.Length > 1 ? new Uri(args[1]) : null;
await using var client = new ServiceBusClient(args[0], Trying(TimeSpan.FromSeconds(10)));

await Step("sends a batch and receives it in order", async () =>
{
    var sender = client.CreateSender("q");
    using var batch = await sender.CreateMessageBatchAsync();
    foreach (var body in new[] { "one", "two", "three", "four" })
        Equal(true, batch.TryAddMessage(new ServiceBusMessage(body) { MessageId = body, Subject = "s" }));
    await sender.SendMessagesAsync(batch);
});

await Step("peeks, completes, abandons, defers and dead-letters", async () =>
{
    var receiver = client.CreateReceiver("q");
    Equal("one", (await receiver.PeekMessageAsync()).Body.ToString());
    var messages = await Receive(receiver, 4);
    Equal("one two three four", string.Join(' ', messages.Select(message => message.Body.ToString())));
    await receiver.RenewMessageLockAsync(messages[0]);
    await receiver.CompleteMessageAsync(messages[0]);
    await receiver.AbandonMessageAsync(messages[1], new Dictionary<string, object> { ["why"] = 1.5 });
    await receiver.DeferMessageAsync(messages[2]);
    await receiver.DeadLetterMessageAsync(messages[3], "Bad", "very");
    var again = (await Receive(receiver, 1))[0];
    Equal("two 2 1.5", $"{again.Body} {again.DeliveryCount} {again.ApplicationProperties["why"]}");
    await receiver.CompleteMessageAsync(again);
    var deferred = await receiver.ReceiveDeferredMessageAsync(messages[2].SequenceNumber);
    Equal("three Deferred", $"{deferred.Body} {deferred.State}");
    await receiver.CompleteMessageAsync(deferred);
    var deadLetters = client.CreateReceiver("q", new ServiceBusReceiverOptions { SubQueue = SubQueue.DeadLetter });
    var dead = (await Receive(deadLetters, 1))[0];
    Equal("four Bad very", $"{dead.Body} {dead.DeadLetterReason} {dead.DeadLetterErrorDescription}");
    await deadLetters.CompleteMessageAsync(dead);
    Equal(0, (await receiver.ReceiveMessagesAsync(1, TimeSpan.FromMilliseconds(1))).Count);
});

await Step("schedules and cancels", async () =>
{
    var sender = client.CreateSender("q");
    var later = DateTimeOffset.UtcNow.AddHours(1);
    var number = await sender.ScheduleMessageAsync(new ServiceBusMessage("later"), later);
    var receiver = client.CreateReceiver("q");
    Equal(ServiceBusMessageState.Scheduled, (await receiver.PeekMessageAsync(number)).State);
    await sender.CancelScheduledMessageAsync(number);
    Equal(null, await receiver.PeekMessageAsync(number));
});

await Step("receives and deletes", async () =>
{
    await client.CreateSender("q").SendMessageAsync(new ServiceBusMessage("gone"));
    var receiver = client.CreateReceiver(
        "q", new ServiceBusReceiverOptions { ReceiveMode = ServiceBusReceiveMode.ReceiveAndDelete });
    Equal("gone", (await Receive(receiver, 1))[0].Body.ToString());
});

await Step("uses a session", async () =>
{
    var sender = client.CreateSender("sessions");
    foreach (var (body, session) in new[] { ("1", "a"), ("2", "b"), ("3", "a"), ("4", "a") })
        await sender.SendMessageAsync(new ServiceBusMessage(body) { SessionId = session });
    await using var b = await client.AcceptSessionAsync("sessions", "b");
    await b.CompleteMessageAsync((await Receive(b, 1))[0]);
    await using (var a = await client.AcceptNextSessionAsync("sessions"))
    {
        Equal("a", a.SessionId);
        Equal(true, a.SessionLockedUntil > DateTimeOffset.UtcNow);
        await Fails(ServiceBusFailureReason.SessionCannotBeLocked, () => client.AcceptSessionAsync("sessions", "a"));
        Equal(null, await a.GetSessionStateAsync());
        await a.SetSessionStateAsync(new BinaryData("half"));
        Equal("half", (await a.GetSessionStateAsync()).ToString());
        await a.RenewSessionLockAsync();
        Equal("1", (await a.PeekMessageAsync()).Body.ToString());
        var messages = await Receive(a, 3);
        Equal("1 3 4", string.Join(' ', messages.Select(message => message.Body.ToString())));
        await a.CompleteMessageAsync(messages[0]);
        await a.DeferMessageAsync(messages[1]);
        await a.CompleteMessageAsync(await a.ReceiveDeferredMessageAsync(messages[1].SequenceNumber));
        await a.AbandonMessageAsync(messages[2]);
    }
    await using var again = await client.AcceptNextSessionAsync("sessions");
    Equal("a half", $"{again.SessionId} {await again.GetSessionStateAsync()}");
    var last = (await Receive(again, 1))[0];
    Equal("4 2", $"{last.Body} {last.DeliveryCount}");
    await again.CompleteMessageAsync(last);
    await Fails(null, () => client.CreateSender("sessions").SendMessageAsync(new ServiceBusMessage("none")));
    await Fails(null, () => client.CreateReceiver("sessions").ReceiveMessageAsync());
});

await Step("is told when no session comes in time", async () =>
{
    await using var hasty = new ServiceBusClient(args[0], Trying(TimeSpan.FromSeconds(1)));
    await Fails(ServiceBusFailureReason.ServiceTimeout, () => hasty.AcceptNextSessionAsync("sessions"));
});

await Step("processes sessions by events", async () =>
{
    await client.CreateSender("sessions").SendMessageAsync(new ServiceBusMessage("event") { SessionId = "c" });
    await using var processor = client.CreateSessionProcessor("sessions");
    var processed = new TaskCompletionSource<string>();
    processor.ProcessMessageAsync += arguments =>
    {
        processed.TrySetResult(arguments.Message.Body.ToString());
        return Task.CompletedTask;
    };
    processor.ProcessErrorAsync += arguments =>
    {
        processed.TrySetException(arguments.Exception);
        return Task.CompletedTask;
    };
    await processor.StartProcessingAsync();
    Equal("event", await processed.Task);
    await processor.StopProcessingAsync();
});

await Step("adds, lists and removes rules", async () =>
{
    await using var rules = client.CreateRuleManager("t", "s");
    await rules.DeleteRuleAsync("$Default");
    await rules.CreateRuleAsync("big", new SqlRuleFilter("size > 10"));
    var urgent = new CorrelationRuleFilter { Subject = "urgent", ApplicationProperties = { ["n"] = 3, ["d"] = 0.5 } };
    await rules.CreateRuleAsync("urgent", urgent);
    await rules.CreateRuleAsync("none", new FalseRuleFilter());
    var listed = new List<RuleProperties>();
    await foreach (var rule in rules.GetRulesAsync())
        listed.Add(rule);
    Equal("big urgent none", string.Join(' ', listed.Select(rule => rule.Name)));
    Equal("size > 10", ((SqlRuleFilter)listed[0].Filter).SqlExpression);
    Equal(urgent.Subject, ((CorrelationRuleFilter)listed[1].Filter).Subject);
    Equal(0.5, ((CorrelationRuleFilter)listed[1].Filter).ApplicationProperties["d"]);
    await Fails(
        ServiceBusFailureReason.MessagingEntityAlreadyExists,
        () => rules.CreateRuleAsync("BIG", new TrueRuleFilter()));
    var sender = client.CreateSender("t");
    await sender.SendMessageAsync(new ServiceBusMessage("small") { ApplicationProperties = { ["size"] = 1 } });
    await sender.SendMessageAsync(new ServiceBusMessage("big") { ApplicationProperties = { ["size"] = 11 } });
    await sender.SendMessageAsync(
        new ServiceBusMessage("urgent") { Subject = "urgent", ApplicationProperties = { ["n"] = 3, ["d"] = 0.5 } });
    var messages = await Receive(client.CreateReceiver("t", "s"), 2);
    Equal("big urgent", string.Join(' ', messages.Select(message => message.Body.ToString())));
});

await Step("makes and deletes subscriptions, with a rule of its own or the default one", async () =>
{
    var options = new ServiceBusAdministrationClientOptions();
    options.Retry.MaxRetries = 0;
    var administration = new ServiceBusAdministrationClient(args[0], options);
    CreateSubscriptionOptions Named(string name) => new("t", name) { AutoDeleteOnIdle = TimeSpan.FromMinutes(5) };
    var made = (await administration.CreateSubscriptionAsync(Named("all"))).Value;
    Equal("all 00:05:00", $"{made.SubscriptionName} {made.AutoDeleteOnIdle}");
    await administration.CreateSubscriptionAsync(Named("big"), new CreateRuleOptions("size", new SqlRuleFilter("size > 10")));
    var urgent = new CorrelationRuleFilter { Subject = "urgent", ApplicationProperties = { ["n"] = 3, ["d"] = 0.5 } };
    await administration.CreateSubscriptionAsync(Named("urgent"), new CreateRuleOptions("urgent", urgent));
    var acting = new CreateRuleOptions("acting", new TrueRuleFilter()) { Action = new SqlRuleAction("SET a = 1") };
    try
    {
        await administration.CreateSubscriptionAsync(Named("acting"), acting);
        throw new Exception("expected a failure");
    }
    catch (ArgumentException error)
    {
        Equal(true, error.Message.Contains("rule actions are not supported"));
    }
    await Fails(
        ServiceBusFailureReason.MessagingEntityAlreadyExists,
        () => administration.CreateSubscriptionAsync(Named("all")));
    Equal("$Default TrueRuleFilter", await Rules("all"));
    Equal("size SqlRuleFilter", await Rules("big"));
    Equal("urgent CorrelationRuleFilter", await Rules("urgent"));
    var sender = client.CreateSender("t");
    await sender.SendMessageAsync(new ServiceBusMessage("big") { ApplicationProperties = { ["size"] = 11 } });
    await sender.SendMessageAsync(
        new ServiceBusMessage("urgent") { Subject = "urgent", ApplicationProperties = { ["n"] = 3, ["d"] = 0.5 } });
    foreach (var (name, bodies) in new[] { ("all", "big urgent"), ("big", "big"), ("urgent", "urgent") })
    {
        var messages = await Receive(client.CreateReceiver("t", name), bodies.Split(' ').Length);
        Equal(bodies, string.Join(' ', messages.Select(message => message.Body.ToString())));
        await administration.DeleteSubscriptionAsync("t", name);
    }
});

await Step("is told of what is not there", () =>
    Fails(
        ServiceBusFailureReason.MessagingEntityNotFound,
        () => client.CreateSender("nowhere").SendMessageAsync(new ServiceBusMessage())));

ServiceBusClientOptions Trying(TimeSpan timeout) => new()
{
    CustomEndpointAddress = endpoint,
    RetryOptions = { MaxRetries = 0, TryTimeout = timeout },
};

async Task Step(string name, Func<Task> run)
{
    try
    {
        await run();
        Console.WriteLine(name);
    }
    catch (Exception error)
    {
        Console.Error.WriteLine($"{name}: {error}");
        Environment.Exit(1);
    }
}

async Task<List<ServiceBusReceivedMessage>> Receive(ServiceBusReceiver receiver, int count)
{
    var received = new List<ServiceBusReceivedMessage>();
    while (received.Count < count)
        received.AddRange(await receiver.ReceiveMessagesAsync(count - received.Count));
    return received;
}

async Task<string> Rules(string subscription)
{
    await using var rules = client.CreateRuleManager("t", subscription);
    var listed = new List<string>();
    await foreach (var rule in rules.GetRulesAsync())
        listed.Add($"{rule.Name} {rule.Filter.GetType().Name}");
    return string.Join(' ', listed);
}

async Task Fails(ServiceBusFailureReason? reason, Func<Task> run)
{
    try
    {
        await run();
    }
    catch (ServiceBusException error)
    {
        if (reason is not null)
            Equal(reason, error.Reason);
        return;
    }
    catch (InvalidOperationException) when (reason is null)
    {
        return;
    }
    throw new Exception($"expected {reason?.ToString() ?? "a failure"}");
}

void Equal(object? wanted, object? actual)
{
    if (!Equals(wanted, actual))
        throw new Exception($"expected {wanted ?? "null"}, got {actual ?? "null"}");
}
