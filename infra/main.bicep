targetScope = 'resourceGroup'

import { eventSubscription, galleryPolicyChoice, principal, publication, stringMap } from 'types.bicep'

@description('Names every resource; those that must be unique in the world get a suffix of the resource group.')
@minLength(2)
@maxLength(11)
param name string = 'sigil'

@description('Region of every resource. A second region is a second deployment.')
param location string = resourceGroup().location

@description('Tags of the function app; azd finds it by azd-service-name.')
param tags stringMap = {
  'azd-service-name': 'sigil'
}

// Who calls

@description('Issuer of the access tokens that callers present.')
param tokenIssuer string = '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'

@description('Audience of those tokens: the API\'s application id; several with commas.')
param tokenAudience string

@description('Tenants whose tokens are accepted.')
param tokenTenants string[] = [
  tenant().tenantId
]

@description('Which callers may write to which galleries. { kind: \'none\' }: every writer to every gallery.')
param galleryPolicy galleryPolicyChoice

@description('Who may send requests by Service Bus.')
param requestSenders principal[] = []

@description('Who may receive the originals of rejected requests.')
param rejectedReceivers principal[] = []

@description('Subscriptions of the topic of events, and who receives from each.')
param eventSubscriptions eventSubscription[] = [
  {
    name: 'all'
    receivers: []
  }
]

// What is published where

@description('Subscriptions, and resource groups in them, in which image versions are published.')
param publications publication[] = [
  {
    subscriptionId: subscription().subscriptionId
  }
]

@description('Whether those subscriptions may be prepared through the API: providers and features registered.')
param registers bool = true

@description('Subscriptions whose machines may be made of the published versions; they are asked who uses one. Empty: nobody is asked.')
param consumerSubscriptions string[] = []

// Network and state

@description('Private endpoints for storage and Service Bus (tier Premium), and the function app in a virtual network.')
param privateNetwork bool = false

@description('Whether the API, too, is reached by a private endpoint alone; with privateNetwork. Azure then cannot ask whether it is ready.')
param privateApi bool = false

@description('Ranges of addresses that the API answers to, such as 203.0.113.0/24; empty: all.')
@maxLength(100)
param allowedAddresses string[] = []

@description('Whether locks keep the state and Service Bus from being deleted.')
param deletionLocks bool = false

@description('Of that virtual network: a /25 or larger.')
param networkAddressPrefix string = '10.83.0.0/24'

@description('Zones or regions that keep a copy of the state; Standard_LRS where the region has no zones.')
param storageRedundancy ('Standard_LRS' | 'Standard_ZRS' | 'Standard_GRS' | 'Standard_GZRS') = 'Standard_ZRS'

@description('Whether instances are spread over zones, where the region has them; storageRedundancy spreads the state.')
param zoneRedundant bool = false

// Scale: test/unit/scale.test.ts holds these against Resource Manager's limits

@description('Node.js of the function app: 24 where the cloud has it.')
param nodeVersion ('22' | '24') = '22'

@description('Memory of an instance in MB.')
param instanceMemoryMB (512 | 2048 | 4096) = 2048

@description('Instances of each group that scales by itself, at most: HTTP, each queue, each timer. Where Azure takes none below 40, 40.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 2

@description('Requests that an instance answers at a time; one that waits for an operation counts as long as it waits.')
@minValue(1)
@maxValue(1000)
param httpConcurrency int = 64

@description('Instances that are kept warm for HTTP; each is paid for as long as it is kept.')
@minValue(0)
param alwaysReadyHttpInstances int = 0

@description('Whether the scale controller may see how long the work queues are; it takes Service Bus Data Owner of them.')
param scaleByQueueLength bool = true

@description('How instances are replaced when a package is published or a setting changes; RollingUpdate is a preview.')
param siteUpdateStrategy ('Default' | 'Recreate' | 'RollingUpdate') = 'Default'

// What an operator sees

@description('Days that logs, traces and metrics are kept.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 30

@description('GB of logs that the workspace takes in a day; -1: any number. Beyond it all alerts on logs, and the audit log, stop until the next day.')
@minValue(-1)
param logDailyCapGb int = -1

@description('Days in which nobody can change or delete what is logged of requests, messages, state and package, in an account of its own; 0: there is none.')
@minValue(0)
param auditRetentionDays int = 0

@description('Mail addresses that alerts are sent to.')
param alertEmails string[] = []

@description('Action groups that alerts are sent to, by resource id.')
param alertActionGroupIds string[] = []

@description('Hours after which an unfinished operation is worth a look.')
@minValue(1)
param oldestOperationHours int = 24

@description('Optional settings of the service, such as SIGIL_POLL_MAX_SECONDS.')
param settings stringMap = {}

// Only what the network has can reach a private API.
var apiIsPrivate = privateApi && !privateNetwork ? fail('privateApi needs privateNetwork.') : privateApi
var uniqueName = '${name}-${uniqueString(resourceGroup().id)}'
// The galleries' own are always asked, too.
var asked = empty(consumerSubscriptions) ? [] : union(consumerSubscriptions, map(publications, to => to.subscriptionId))
var auditStorageId = auditRetentionDays > 0 ? audit!.outputs.id : ''
var captures = filter(publications, to => to.?captureResourceGroup != null)
var makesTestMachines = !empty(flatten(map(publications, to => to.?testResourceGroups ?? [])))

module identity 'modules/managed-identity.bicep' = {
  name: 'managed-identity'
  params: {
    name: uniqueName
    location: location
  }
}

module workspace 'modules/log-analytics-workspace.bicep' = {
  name: 'log-analytics-workspace'
  params: {
    name: uniqueName
    location: location
    retentionInDays: logRetentionDays
    dailyCapGb: logDailyCapGb
  }
}

module audit 'modules/audit-storage.bicep' = if (auditRetentionDays > 0) {
  name: 'audit-storage'
  params: {
    name: toLower('${name}${uniqueString(resourceGroup().id, 'audit')}')
    location: location
    redundancy: storageRedundancy
    days: auditRetentionDays
  }
}

module insights 'modules/application-insights.bicep' = {
  name: 'application-insights'
  params: {
    name: uniqueName
    location: location
    workspaceId: workspace.outputs.id
    isAudited: auditRetentionDays > 0
    auditStorageId: auditStorageId
    principalId: identity.outputs.principalId
  }
}

module storage 'modules/storage-account.bicep' = {
  name: 'storage-account'
  params: {
    name: toLower(replace(uniqueName, '-', ''))
    location: location
    redundancy: storageRedundancy
    principalId: identity.outputs.principalId
    isPrivate: privateNetwork
    isLocked: deletionLocks
    workspaceId: workspace.outputs.id
    auditStorageId: auditStorageId
  }
}

module packages 'modules/package-storage.bicep' = {
  name: 'package-storage'
  params: {
    name: toLower('${name}${uniqueString(resourceGroup().id, 'packages')}')
    location: location
    redundancy: storageRedundancy
    principalId: identity.outputs.principalId
    isPrivate: privateNetwork
    workspaceId: workspace.outputs.id
    auditStorageId: auditStorageId
  }
}

module serviceBus 'modules/service-bus.bicep' = {
  name: 'service-bus'
  params: {
    name: uniqueName
    location: location
    principalId: identity.outputs.principalId
    isPrivate: privateNetwork
    isLocked: deletionLocks
    workspaceId: workspace.outputs.id
    auditStorageId: auditStorageId
    scaleByQueueLength: scaleByQueueLength
    requestSenders: requestSenders
    rejectedReceivers: rejectedReceivers
    eventSubscriptions: eventSubscriptions
  }
}

module network 'modules/private-network.bicep' = if (privateNetwork) {
  name: 'private-network'
  params: {
    name: uniqueName
    location: location
    addressPrefix: networkAddressPrefix
    storageAccountId: storage.outputs.id
    packageStorageId: packages.outputs.id
    serviceBusId: serviceBus.outputs.id
  }
}

module publishing 'modules/image-publishing.bicep' = [
  for to in publications: {
    name: 'image-publishing-${uniqueName}'
    scope: subscription(to.subscriptionId)
    params: {
      name: uniqueName
      #disable-next-line what-if-short-circuiting // in the names of assignments: they outlive the group
      principalId: identity.outputs.principalId
      to: to
      registers: registers
    }
  }
]

module consumers 'modules/image-consumers.bicep' = [
  for subscriptionId in asked: {
    name: 'image-consumers-${uniqueName}'
    scope: subscription(subscriptionId)
    params: {
      name: uniqueName
      #disable-next-line what-if-short-circuiting // in the names of assignments: they outlive the group
      principalId: identity.outputs.principalId
    }
  }
]

module keys 'modules/key-vaults.bicep' = [
  for to in publications: if (!empty(to.?keyVaultResourceGroups ?? [])) {
    name: 'key-vaults-${uniqueName}'
    scope: subscription(to.subscriptionId)
    params: {
      name: uniqueName
      principalId: identity.outputs.principalId
      resourceGroups: to.?keyVaultResourceGroups ?? []
    }
  }
]

module capture 'modules/capture.bicep' = [
  for to in captures: {
    name: 'capture-${uniqueName}'
    scope: subscription(to.subscriptionId)
    params: {
      name: uniqueName
      #disable-next-line what-if-short-circuiting // in the names of assignments: they outlive the group
      principalId: identity.outputs.principalId
      resourceGroupName: to.captureResourceGroup!
    }
  }
]

// An identity of its own: what may make machines may do nothing else.
module testIdentity 'modules/managed-identity.bicep' = if (makesTestMachines) {
  name: 'test-identity'
  params: {
    name: '${uniqueName}-tests'
    location: location
  }
}

module testMachines 'modules/test-machines.bicep' = [
  for to in publications: if (!empty(to.?testResourceGroups ?? [])) {
    name: 'test-machines-${uniqueName}'
    scope: subscription(to.subscriptionId)
    params: {
      name: uniqueName
      #disable-next-line what-if-short-circuiting // in the names of assignments: they outlive the group
      principalId: testIdentity!.outputs.principalId
      resourceGroups: to.?testResourceGroups ?? []
      subnets: to.?testSubnets ?? []
    }
  }
]

module functionApp 'modules/function-app.bicep' = {
  name: 'function-app'
  params: {
    name: uniqueName
    location: location
    tags: tags
    nodeVersion: nodeVersion
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    testIdentityId: makesTestMachines ? testIdentity!.outputs.id : ''
    testIdentityClientId: makesTestMachines ? testIdentity!.outputs.clientId : ''
    storageAccountName: storage.outputs.name
    packageContainerUri: packages.outputs.containerUri
    serviceBusNamespace: serviceBus.outputs.fullyQualifiedNamespace
    insightsConnectionString: insights.outputs.connectionString
    tokenIssuer: tokenIssuer
    tokenAudience: tokenAudience
    tokenTenants: tokenTenants
    galleryPolicy: galleryPolicy
    consumerSubscriptions: consumerSubscriptions
    captureResourceGroups: map(captures, to => '/subscriptions/${to.subscriptionId}/resourceGroups/${to.captureResourceGroup!}')
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    httpConcurrency: httpConcurrency
    zoneRedundant: zoneRedundant
    alwaysReadyHttpInstances: alwaysReadyHttpInstances
    siteUpdateStrategy: siteUpdateStrategy
    subnetId: privateNetwork ? network!.outputs.applicationSubnetId : ''
    isPrivate: apiIsPrivate
    allowedAddresses: allowedAddresses
    workspaceId: workspace.outputs.id
    auditStorageId: auditStorageId
    settings: settings
  }
}

module api 'modules/private-api.bicep' = if (apiIsPrivate) {
  name: 'private-api'
  params: {
    name: uniqueName
    location: location
    functionAppId: functionApp.outputs.id
    networkId: network!.outputs.id
    subnetId: network!.outputs.endpointSubnetId
  }
}

module alerts 'modules/alerts.bicep' = {
  name: 'alerts'
  params: {
    name: uniqueName
    location: location
    workspaceId: workspace.outputs.id
    insightsId: insights.outputs.id
    serviceBusId: serviceBus.outputs.id
    workQueues: serviceBus.outputs.workQueues
    readinessUrl: 'https://${functionApp.outputs.hostName}/api/health/ready'
    asksReadiness: !apiIsPrivate
    emails: alertEmails
    actionGroupIds: alertActionGroupIds
    oldestOperationHours: oldestOperationHours
  }
}

module workbook 'modules/workbook.bicep' = {
  name: 'workbook'
  params: {
    location: location
    workspaceId: workspace.outputs.id
  }
}

output functionAppName string = functionApp.outputs.name
output apiUrl string = 'https://${functionApp.outputs.hostName}/api'
output serviceBusNamespace string = serviceBus.outputs.fullyQualifiedNamespace
output identityPrincipalId string = identity.outputs.principalId
