targetScope = 'resourceGroup'

@description('Names every resource; those that must be unique in the world get a suffix of the resource group.')
@minLength(2)
@maxLength(11)
param name string = 'sigil'

param location string = resourceGroup().location

@description('Issuer of the access tokens that callers present.')
param tokenIssuer string = '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'

@description('Audience of those tokens: the API\'s application id or id URI; several with commas.')
param tokenAudience string

@description('Subscriptions with the galleries that image versions are published to.')
param gallerySubscriptionIds string[] = [subscription().subscriptionId]

@description('Kinds of source that need more than a read; managed images and image versions need none.')
param sources ('disk' | 'snapshot' | 'virtualMachine' | 'vhd')[] = []

@description('Node.js of the function app: 24 where the cloud has it.')
param nodeVersion ('22' | '24') = '22'

@description('Optional settings of the service, such as SIGIL_POLL_MAX_SECONDS.')
param settings object = {}

var uniqueName = '${name}-${uniqueString(resourceGroup().id)}'

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
  }
}

module insights 'modules/application-insights.bicep' = {
  name: 'application-insights'
  params: {
    name: uniqueName
    location: location
    workspaceId: workspace.outputs.id
    principalId: identity.outputs.principalId
  }
}

module storage 'modules/storage-account.bicep' = {
  name: 'storage-account'
  params: {
    name: toLower(replace(uniqueName, '-', ''))
    location: location
    principalId: identity.outputs.principalId
  }
}

module serviceBus 'modules/service-bus.bicep' = {
  name: 'service-bus'
  params: {
    name: uniqueName
    location: location
    principalId: identity.outputs.principalId
  }
}

module publishing 'modules/image-publishing.bicep' = [
  for subscriptionId in gallerySubscriptionIds: {
    name: 'image-publishing-${uniqueName}'
    scope: subscription(subscriptionId)
    params: {
      name: uniqueName
      principalId: identity.outputs.principalId
      sources: sources
    }
  }
]

module functionApp 'modules/function-app.bicep' = {
  name: 'function-app'
  params: {
    name: uniqueName
    location: location
    nodeVersion: nodeVersion
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    storageAccountName: storage.outputs.name
    deploymentContainerUri: storage.outputs.deploymentContainerUri
    serviceBusNamespace: serviceBus.outputs.fullyQualifiedNamespace
    insightsConnectionString: insights.outputs.connectionString
    tokenIssuer: tokenIssuer
    tokenAudience: tokenAudience
    settings: settings
  }
}

output functionAppName string = functionApp.outputs.name
output apiUrl string = 'https://${functionApp.outputs.hostName}/api'
output serviceBusNamespace string = serviceBus.outputs.fullyQualifiedNamespace
