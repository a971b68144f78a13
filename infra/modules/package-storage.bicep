@minLength(3)
@maxLength(24)
param name string
param location string
param redundancy string

@description('Who fetches the package, and puts it there as it is published.')
param principalId string

@description('Whether it is reached by private endpoints alone.')
param isPrivate bool

param workspaceId string

@description('Where the same is kept unchangeable; empty: nowhere.')
param auditStorageId string

var containerName = 'packages'
var blobDataContributor = subscriptionResourceId(
  'Microsoft.Authorization/roleDefinitions',
  'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
)

// An account of its own: whoever may write state may not for that reason write what runs.
resource account 'Microsoft.Storage/storageAccounts@2026-04-01' = {
  name: name
  location: location
  kind: 'StorageV2'
  sku: {
    name: redundancy
  }
  properties: {
    allowBlobPublicAccess: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    supportsHttpsTrafficOnly: true
  }

  resource blobs 'blobServices' = {
    name: 'default'

    resource container 'containers' = {
      name: containerName
    }
  }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'audit'
  scope: account::blobs
  properties: {
    workspaceId: workspaceId
    storageAccountId: empty(auditStorageId) ? null : auditStorageId
    logs: [
      {
        category: 'StorageWrite'
        enabled: true
      }
      {
        category: 'StorageDelete'
        enabled: true
      }
    ]
  }
}

// Flex Consumption asks for no less than Contributor; of the container alone.
resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account::blobs::container.id, blobDataContributor)
  scope: account::blobs::container
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: blobDataContributor
  }
}

output id string = account.id
output containerUri string = '${account.properties.primaryEndpoints.blob}${containerName}'
