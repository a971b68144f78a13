@minLength(3)
@maxLength(24)
param name string
param location string
param redundancy string

@description('Days in which nobody can change or delete what was written.')
param days int

// Azure Monitor appends to it, and nobody else has a role. The policy is of the account, from its creation on; "Unlocked" until
// you lock it, which cannot be undone.
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
    // Azure Monitor passes as a trusted service.
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: 'Deny'
    }
    supportsHttpsTrafficOnly: true
    immutableStorageWithVersioning: {
      enabled: true
      immutabilityPolicy: {
        immutabilityPeriodSinceCreationInDays: days
        allowProtectedAppendWrites: true
        state: 'Unlocked'
      }
    }
  }
}

output id string = account.id
