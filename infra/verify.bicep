// Sigil for infra/verify.mjs, and what that publishes: a snapshot of a disk with nothing on it, and keys, one of them to be disabled.

param location string = resourceGroup().location

@description('Where image versions are replicated to, besides.')
param second string

@description('Who runs it, and disables a key.')
param principalId string

@description('Whether the gallery deletes softly: a preview, for which the subscription must be registered.')
param softDelete bool

param tokenAudience string
param maximumInstanceCount int

var sets = [
  {
    name: 'first'
    region: location
  }
  {
    name: 'second'
    region: second
  }
  {
    name: 'dead'
    region: second
  }
]
var suffix = uniqueString(resourceGroup().id)
// Key Vault Crypto Service Encryption User
var cryptoServiceEncryptionUser = subscriptionResourceId(
  'Microsoft.Authorization/roleDefinitions',
  'e147488a-f6f5-4113-8e2d-b22465e65bf6'
)
// Key Vault Crypto Officer
var cryptoOfficer = subscriptionResourceId(
  'Microsoft.Authorization/roleDefinitions',
  '14b46e9e-c2b7-41b4-b07b-48a6ebf60603'
)
// Azure Service Bus Data Owner
var serviceBusDataOwner = subscriptionResourceId(
  'Microsoft.Authorization/roleDefinitions',
  '090c5cfd-751d-490a-894a-3ce6f1109419'
)

module sigil 'main.bicep' = {
  name: 'main'
  params: {
    // infra/verify.mjs finds the custom roles by it.
    name: 'sigilverify'
    location: location
    tokenAudience: tokenAudience
    galleryPolicy: {
      kind: 'none'
    }
    maximumInstanceCount: maximumInstanceCount
    publications: [
      {
        subscriptionId: subscription().subscriptionId
        galleryResourceGroups: [
          resourceGroup().name
        ]
        sourceResourceGroups: [
          resourceGroup().name
        ]
        sources: [
          'snapshot'
        ]
      }
    ]
  }
}

resource gallery 'Microsoft.Compute/galleries@2026-03-03' = {
  name: 'verify'
  location: location
  properties: {
    softDeletePolicy: {
      isSoftDeleteEnabled: softDelete
    }
  }

  resource image 'images' = {
    name: 'verify'
    location: location
    properties: {
      osType: 'Linux'
      osState: 'Specialized'
      hyperVGeneration: 'V2'
      architecture: 'x64'
      identifier: {
        publisher: 'sigil'
        offer: 'verify'
        sku: 'verify'
      }
      features: [
        {
          name: 'SecurityType'
          value: 'Standard'
        }
      ]
    }
  }
}

resource disk 'Microsoft.Compute/disks@2025-01-02' = {
  name: 'verify'
  location: location
  sku: {
    name: 'Standard_LRS'
  }
  properties: {
    osType: 'Linux'
    hyperVGeneration: 'V2'
    diskSizeGB: 4
    creationData: {
      createOption: 'Empty'
    }
  }
}

resource snapshot 'Microsoft.Compute/snapshots@2025-01-02' = {
  name: 'verify'
  location: location
  properties: {
    osType: 'Linux'
    hyperVGeneration: 'V2'
    creationData: {
      createOption: 'Copy'
      sourceResourceId: disk.id
    }
  }
}

resource vaults 'Microsoft.KeyVault/vaults@2026-02-01' = [
  for set in sets: {
    name: 'sv${suffix}${set.name}'
    location: set.region
    properties: {
      sku: {
        family: 'A'
        name: 'standard'
      }
      tenantId: tenant().tenantId
      // Azure wants both of a vault whose keys encrypt disks: what is deleted stays for seven days, and costs nothing.
      enablePurgeProtection: true
      softDeleteRetentionInDays: 7
      // As this api-version has it unless it is told otherwise: roles count, and no access policy.
      enableRbacAuthorization: true
    }
  }
]

resource keys 'Microsoft.KeyVault/vaults/keys@2026-02-01' = [
  for (set, index) in sets: {
    parent: vaults[index]
    name: set.name
    properties: {
      kty: 'RSA'
      keySize: 2048
    }
  }
]

resource encryptionSets 'Microsoft.Compute/diskEncryptionSets@2025-01-02' = [
  for (set, index) in sets: {
    name: set.name
    location: set.region
    identity: {
      type: 'SystemAssigned'
    }
    properties: {
      encryptionType: 'EncryptionAtRestWithCustomerKey'
      activeKey: {
        keyUrl: keys[index].properties.keyUriWithVersion
        sourceVault: {
          id: vaults[index].id
        }
      }
    }
  }
]

resource setsMayUseKeys 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (set, index) in sets: {
    name: guid(vaults[index].id, set.name, cryptoServiceEncryptionUser)
    scope: vaults[index]
    properties: {
      principalId: encryptionSets[index].identity.principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: cryptoServiceEncryptionUser
    }
  }
]

resource personMayDisableKey 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vaults[2].id, principalId, cryptoOfficer)
  scope: vaults[2]
  properties: {
    principalId: principalId
    principalType: 'User'
    roleDefinitionId: cryptoOfficer
  }
}

// Of its own: what is sent to it is nobody's event. Duplicates are recognized as long as in Sigil's own topic.
resource bus 'Microsoft.ServiceBus/namespaces@2026-01-01' = {
  name: 'sv${suffix}'
  location: location
  sku: {
    name: 'Standard'
  }

  resource topic 'topics' = {
    name: 'verify'
    properties: {
      requiresDuplicateDetection: true
      duplicateDetectionHistoryTimeWindow: 'P1D'
    }

    resource all 'subscriptions' = {
      name: 'all'
      properties: {
        lockDuration: 'PT1M'
        maxDeliveryCount: 10
      }
    }
  }
}

resource personMaySendAndReceive 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(bus.id, principalId, serviceBusDataOwner)
  scope: bus
  properties: {
    principalId: principalId
    principalType: 'User'
    roleDefinitionId: serviceBusDataOwner
  }
}

output apiUrl string = sigil.outputs.apiUrl
output functionAppName string = sigil.outputs.functionAppName
output imageId string = gallery::image.id
output sourceId string = snapshot.id
output sets string[] = [for (set, index) in sets: encryptionSets[index].id]
output deadKey string = keys[2].properties.keyUriWithVersion
output deadVault string = vaults[2].id
output busUrl string = bus.properties.serviceBusEndpoint
