import { galleryPolicyDocument, stringMap } from '../types.bicep'

param name string
param location string
param nodeVersion string
param identityId string
param identityClientId string

@description('The identity that makes test machines; empty: none are made.')
param testIdentityId string
param testIdentityClientId string
param storageAccountName string
param deploymentContainerUri string
param serviceBusNamespace string
param insightsConnectionString string
param tokenIssuer string
param tokenAudience string
param tokenTenants string[]
param galleryPolicy galleryPolicyDocument?
param consumerSubscriptions string[]
param instanceMemoryMB int
param maximumInstanceCount int
param httpConcurrency int
param alwaysReadyHttpInstances int
param siteUpdateStrategy string
param tags stringMap

@description('Where the app reaches private endpoints from; empty: nowhere.')
param subnetId string

param settings stringMap

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: name
  location: location
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true // Linux
  }
}

resource app 'Microsoft.Web/sites@2024-04-01' = {
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
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    siteConfig: {
      minTlsVersion: '1.2'
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: deploymentContainerUri
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
    properties: union(settings, galleryPolicy == null ? {} : { SIGIL_GALLERY_POLICY: string(galleryPolicy) }, empty(consumerSubscriptions) ? {} : { SIGIL_CONSUMER_SUBSCRIPTIONS: join(consumerSubscriptions, ',') }, empty(testIdentityId) ? {} : {
      SIGIL_TEST_MACHINES: 'true'
      SIGIL_TEST_MACHINES_CLIENT_ID: testIdentityClientId
    }, {
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

output name string = app.name
output hostName string = app.properties.defaultHostName
