import { eventSubscription, principal } from '../types.bicep'

@minLength(6)
@maxLength(50)
param name string
param location string

@description('Who receives from the queues and sends to the topic.')
param principalId string

@description('Whether it is reached by private endpoints alone, which takes the tier Premium.')
param isPrivate bool

@description('Whether nobody may delete it, or an entity of it, before a lock is taken off.')
param isLocked bool

param workspaceId string

@description('Where the same is kept unchangeable; empty: nowhere.')
param auditStorageId string

@description('Whether the scale controller may see how long the work queues are.')
param scaleByQueueLength bool

@description('Who may send requests.')
param requestSenders principal[]

@description('Who may receive the originals of rejected requests.')
param rejectedReceivers principal[]

param eventSubscriptions eventSubscription[]

var dataOwner = subscriptionResourceId(
  'Microsoft.Authorization/roleDefinitions',
  '090c5cfd-751d-490a-894a-3ce6f1109419'
)
var dataReceiver = subscriptionResourceId(
  'Microsoft.Authorization/roleDefinitions',
  '4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0'
)
var dataSender = subscriptionResourceId(
  'Microsoft.Authorization/roleDefinitions',
  '69a216fc-b8fb-44d8-bc22-1f3c2cd27a39'
)

// A step may wait for Resource Manager: PT5M is the longest lock there is. A rejected request says itself how long it is
// kept, and then goes; any other message that expires is work that nobody did. Whoever takes one rejected request out of its
// queue gives those before it back, which counts as a delivery: Service Bus allows 2,000.
var queues = [
  {
    name: 'image-version-requests'
    lockDuration: 'PT1M'
    receives: true
    expiresToDeadLetters: true
    maxDeliveryCount: 10
  }
  {
    name: 'image-version-requests-rejected'
    lockDuration: 'PT1M'
    receives: false
    expiresToDeadLetters: false
    maxDeliveryCount: 2000
  }
  {
    name: 'image-version-creations'
    lockDuration: 'PT5M'
    receives: true
    expiresToDeadLetters: true
    maxDeliveryCount: 10
  }
  {
    name: 'image-version-replications'
    lockDuration: 'PT5M'
    receives: true
    expiresToDeadLetters: true
    maxDeliveryCount: 10
  }
  {
    name: 'subscription-preparations'
    lockDuration: 'PT5M'
    receives: true
    expiresToDeadLetters: true
    maxDeliveryCount: 10
  }
  {
    name: 'machine-tests'
    lockDuration: 'PT5M'
    receives: true
    expiresToDeadLetters: true
    maxDeliveryCount: 10
  }
]

// The scale controller asks with the app's identity how long a queue is, which takes the right to manage it: Owner, of the
// five queues that are received from, has it. Without it the length is estimated by a peek.
var queueRoles = flatten(map(
  range(0, length(queues)),
  index =>
    map(
      queues[index].receives ? (scaleByQueueLength ? [dataOwner] : [dataReceiver, dataSender]) : [dataReceiver, dataSender],
      role => { queue: index, role: role }
    )
))

var subscriptionReceivers = flatten(map(
  range(0, length(eventSubscriptions)),
  index => map(eventSubscriptions[index].receivers, receiver => { subscription: index, receiver: receiver })
))

resource namespace 'Microsoft.ServiceBus/namespaces@2026-01-01' = {
  name: name
  location: location
  sku: isPrivate
    ? {
        name: 'Premium'
        tier: 'Premium'
        capacity: 1
      }
    : {
        name: 'Standard'
        tier: 'Standard'
      }
  properties: {
    disableLocalAuth: true
    minimumTlsVersion: '1.2'
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
  }
}

resource lock 'Microsoft.Authorization/locks@2020-05-01' = if (isLocked) {
  name: 'messages'
  scope: namespace
  properties: {
    level: 'CanNotDelete'
    notes: 'Messages in its queues are accepted work of Sigil.'
  }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'audit'
  scope: namespace
  properties: {
    workspaceId: workspaceId
    storageAccountId: empty(auditStorageId) ? null : auditStorageId
    logs: [
      {
        categoryGroup: 'allLogs'
        enabled: true
      }
    ]
  }
}

resource queue 'Microsoft.ServiceBus/namespaces/queues@2026-01-01' = [
  for settings in queues: {
    parent: namespace
    name: settings.name
    properties: {
      lockDuration: settings.lockDuration
      maxDeliveryCount: settings.maxDeliveryCount
      requiresDuplicateDetection: true
      duplicateDetectionHistoryTimeWindow: 'PT1H'
      deadLetteringOnMessageExpiration: settings.expiresToDeadLetters
    }
  }
]

resource events 'Microsoft.ServiceBus/namespaces/topics@2026-01-01' = {
  parent: namespace
  name: 'image-version-events'
  properties: {
    requiresDuplicateDetection: true
    // An outage of a day may separate an event from its repetition.
    duplicateDetectionHistoryTimeWindow: 'P1D'
    maxSizeInMegabytes: 5120
  }
}

// A full topic refuses every event, and dead letters count: what nobody reads must go.
resource subscriptions 'Microsoft.ServiceBus/namespaces/topics/subscriptions@2026-01-01' = [
  for settings in eventSubscriptions: {
    parent: events
    name: settings.name
    properties: {
      lockDuration: 'PT1M'
      maxDeliveryCount: 10
      defaultMessageTimeToLive: 'P7D'
      deadLetteringOnMessageExpiration: false
    }
  }
]

// One rule each, whose name never changes: a deployment puts another in its place, and leaves none of an earlier one.
resource filters 'Microsoft.ServiceBus/namespaces/topics/subscriptions/rules@2026-01-01' = [
  for (subscription, index) in eventSubscriptions: {
    parent: subscriptions[index]
    name: '$Default'
    properties: {
      filterType: 'SqlFilter'
      sqlFilter: {
        sqlExpression: empty(subscription.?eventTypes ?? [])
          ? '1=1'
          : 'sys.Label IN (\'${join(subscription.eventTypes!, '\', \'')}\')'
      }
    }
  }
]

resource queueAccess 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for access in queueRoles: {
    name: guid(queue[access.queue].id, access.role)
    scope: queue[access.queue]
    properties: {
      principalId: principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: access.role
    }
  }
]

resource eventSender 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(events.id, dataSender)
  scope: events
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: dataSender
  }
}

resource requestSender 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for sender in requestSenders: {
    name: guid(queue[0].id, sender.id, dataSender)
    scope: queue[0]
    properties: {
      principalId: sender.id
      principalType: sender.type
      roleDefinitionId: dataSender
    }
  }
]

resource rejectedReceiver 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for receiver in rejectedReceivers: {
    name: guid(queue[1].id, receiver.id, dataReceiver)
    scope: queue[1]
    properties: {
      principalId: receiver.id
      principalType: receiver.type
      roleDefinitionId: dataReceiver
    }
  }
]

resource eventReceiver 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for access in subscriptionReceivers: {
    name: guid(subscriptions[access.subscription].id, access.receiver.id, dataReceiver)
    scope: subscriptions[access.subscription]
    properties: {
      principalId: access.receiver.id
      principalType: access.receiver.type
      roleDefinitionId: dataReceiver
    }
  }
]

output id string = namespace.id
output name string = namespace.name
output workQueues string[] = map(filter(queues, settings => settings.receives), settings => settings.name)
// The endpoint reads https://NAMESPACE.servicebus.windows.net:443/, with another domain in sovereign clouds.
output fullyQualifiedNamespace string = split(replace(namespace.properties.serviceBusEndpoint, 'https://', ''), ':')[0]
