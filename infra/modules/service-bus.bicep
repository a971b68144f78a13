@minLength(6)
@maxLength(50)
param name string
param location string

@description('Who receives from the work queues and sends to the topic.')
param principalId string

// Receiver cannot read a queue's length, so the scale controller sees "something is waiting" and no more. One instance a
// queue is enough: Resource Manager's own limits are met first.
var dataReceiver = subscriptionResourceId(
  'Microsoft.Authorization/roleDefinitions',
  '4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0'
)
var dataSender = subscriptionResourceId(
  'Microsoft.Authorization/roleDefinitions',
  '69a216fc-b8fb-44d8-bc22-1f3c2cd27a39'
)

// A step may wait for Resource Manager: PT5M is the longest lock there is. A rejected request says itself how long it is
// kept, and then goes; any other message that expires is work that nobody did.
var queues = [
  {
    name: 'image-version-requests'
    lockDuration: 'PT1M'
    receives: true
    sends: true
    expiresToDeadLetters: true
  }
  {
    name: 'image-version-requests-rejected'
    lockDuration: 'PT1M'
    receives: false
    sends: true
    expiresToDeadLetters: false
  }
  {
    name: 'image-version-creations'
    lockDuration: 'PT5M'
    receives: true
    sends: true
    expiresToDeadLetters: true
  }
  {
    name: 'image-version-replications'
    lockDuration: 'PT5M'
    receives: true
    sends: true
    expiresToDeadLetters: true
  }
  {
    name: 'subscription-preparations'
    lockDuration: 'PT5M'
    receives: true
    sends: true
    expiresToDeadLetters: true
  }
]

resource namespace 'Microsoft.ServiceBus/namespaces@2024-01-01' = {
  name: name
  location: location
  sku: {
    name: 'Standard'
    tier: 'Standard'
  }
  properties: {
    disableLocalAuth: true
    minimumTlsVersion: '1.2'
  }
}

resource queue 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' = [
  for settings in queues: {
    parent: namespace
    name: settings.name
    properties: {
      lockDuration: settings.lockDuration
      maxDeliveryCount: 10
      requiresDuplicateDetection: true
      duplicateDetectionHistoryTimeWindow: 'PT1H'
      deadLetteringOnMessageExpiration: settings.expiresToDeadLetters
    }
  }
]

resource events 'Microsoft.ServiceBus/namespaces/topics@2024-01-01' = {
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
resource all 'Microsoft.ServiceBus/namespaces/topics/subscriptions@2024-01-01' = {
  parent: events
  name: 'all'
  properties: {
    lockDuration: 'PT1M'
    maxDeliveryCount: 10
    defaultMessageTimeToLive: 'P7D'
    deadLetteringOnMessageExpiration: false
  }
}

resource queueReceiver 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (settings, index) in queues: if (settings.receives) {
    name: guid(queue[index].id, principalId, dataReceiver)
    scope: queue[index]
    properties: {
      principalId: principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: dataReceiver
    }
  }
]

resource queueSender 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (settings, index) in queues: if (settings.sends) {
    name: guid(queue[index].id, principalId, dataSender)
    scope: queue[index]
    properties: {
      principalId: principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: dataSender
    }
  }
]

resource eventSender 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(events.id, principalId, dataSender)
  scope: events
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: dataSender
  }
}

// The endpoint reads https://NAMESPACE.servicebus.windows.net:443/, with another domain in sovereign clouds.
output fullyQualifiedNamespace string = split(replace(namespace.properties.serviceBusEndpoint, 'https://', ''), ':')[0]
