import { galleryPolicyChoice, stringMap } from '../types.bicep'

param name string
param location string
param nodeVersion string
param identityId string
param identityClientId string

@description('The identity that makes test machines; empty: none are made.')
param testIdentityId string
param testIdentityClientId string
param storageAccountName string
param packageContainerUri string
param serviceBusNamespace string
param insightsConnectionString string
param tokenIssuer string
param tokenAudience string
param tokenTenants string[]
param galleryPolicy galleryPolicyChoice
param consumerSubscriptions string[]

@description('Ids of the resource groups in which snapshots are made; empty: none are.')
param captureResourceGroups string[]
param instanceMemoryMB int
param maximumInstanceCount int
param httpConcurrency int
param zoneRedundant bool
param alwaysReadyHttpInstances int
param siteUpdateStrategy string
param tags stringMap

@description('Where the app reaches private endpoints from; empty: nowhere.')
param subnetId string

@description('Whether the app is reached by a private endpoint alone.')
param isPrivate bool

@description('Who reaches it, as ranges of addresses; empty: everybody.')
param allowedAddresses string[]

param workspaceId string

@description('Where the same is kept unchangeable; empty: nowhere.')
param auditStorageId string

param settings stringMap

// However many instances a queue may have, no more of its steps are under way than two instances take with host.json's
// figure; an instance takes one at least.
var mostCalls = loadJsonContent('../../host.json').extensions.serviceBus.maxConcurrentCalls
var callsOfInstance = min(mostCalls, max(1, 2 * mostCalls / maximumInstanceCount))

var restrictions = map(range(0, length(allowedAddresses)), index => {
  name: 'callers ${index}'
  action: 'Allow'
  priority: 100 + index
  ipAddress: allowedAddresses[index]
})
// What asks whether Sigil is ready comes from Azure's own addresses.
var availabilityTests = {
  name: 'availability tests'
  action: 'Allow'
  priority: 1000
  tag: 'ServiceTag'
  ipAddress: 'ApplicationInsightsAvailability'
}

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: name
  location: location
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true // Linux
    zoneRedundant: zoneRedundant
  }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  kind: 'functionapp,linux'
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: toObject(empty(testIdentityId) ? [identityId] : [identityId, testIdentityId], id => id, id => {})
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    // Turns off /admin, which the host's master key opens. The published type does not have it yet.
    ...any({ functionsRuntimeAdminIsolationEnabled: true })
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    siteConfig: {
      minTlsVersion: '1.2'
      ipSecurityRestrictionsDefaultAction: empty(allowedAddresses) ? 'Allow' : 'Deny'
      ipSecurityRestrictions: empty(allowedAddresses) ? [] : concat(restrictions, [availabilityTests])
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packageContainerUri
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'node'
        version: nodeVersion
      }
      scaleAndConcurrency: {
        maximumInstanceCount: maximumInstanceCount
        instanceMemoryMB: instanceMemoryMB
        alwaysReady: alwaysReadyHttpInstances == 0
          ? []
          : [
              {
                name: 'http'
                instanceCount: alwaysReadyHttpInstances
              }
            ]
        triggers: {
          http: {
            perInstanceConcurrency: httpConcurrency
          }
        }
      }
      // A preview: the published type does not have it yet.
      ...(siteUpdateStrategy == 'Default' ? {} : any({ siteUpdateStrategy: { type: siteUpdateStrategy } }))
    }
  }

  resource appSettings 'config' = {
    name: 'appsettings'
    properties: union(settings, galleryPolicy.kind == 'none' ? {} : { SIGIL_GALLERY_POLICY: string({ rules: galleryPolicy.rules, gates: galleryPolicy.?gates ?? [] }) }, empty(consumerSubscriptions) ? {} : { SIGIL_CONSUMER_SUBSCRIPTIONS: join(consumerSubscriptions, ',') }, empty(captureResourceGroups) ? {} : { SIGIL_CAPTURE_RESOURCE_GROUPS: join(captureResourceGroups, ',') }, empty(testIdentityId) ? {} : {
      SIGIL_TEST_MACHINES: 'true'
      SIGIL_TEST_MACHINES_CLIENT_ID: testIdentityClientId
    }, {
      AzureFunctionsJobHost__extensions__serviceBus__maxConcurrentCalls: string(callsOfInstance)
      AzureWebJobsStorage__accountName: storageAccountName
      AzureWebJobsStorage__tableServiceUri: 'https://${storageAccountName}.table.${environment().suffixes.storage}'
      AzureWebJobsStorage__credential: 'managedidentity'
      AzureWebJobsStorage__clientId: identityClientId
      ServiceBusConnection__fullyQualifiedNamespace: serviceBusNamespace
      ServiceBusConnection__credential: 'managedidentity'
      ServiceBusConnection__clientId: identityClientId
      APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
      AZURE_CLIENT_ID: identityClientId
      SIGIL_TOKEN_ISSUER: tokenIssuer
      SIGIL_TOKEN_AUDIENCE: tokenAudience
      SIGIL_TOKEN_TENANT: join(tokenTenants, ',')
      SIGIL_RESOURCE_MANAGER_ENDPOINT: environment().resourceManager
      SIGIL_RESOURCE_MANAGER_SCOPE: '${environment().resourceManager}.default'
    })
  }

  // Deployments are made with an Entra ID token; there is no password to steal.
  resource publishing 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: {
      allow: false
    }
  }

  resource ftp 'basicPublishingCredentialsPolicies' = {
    name: 'ftp'
    properties: {
      allow: false
    }
  }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'audit'
  scope: app
  properties: {
    workspaceId: workspaceId
    storageAccountId: empty(auditStorageId) ? null : auditStorageId
    logs: [
      {
        category: 'FunctionAppLogs'
        enabled: true
      }
    ]
  }
}

output id string = app.id
output name string = app.name
output hostName string = app.properties.defaultHostName
