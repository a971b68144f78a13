targetScope = 'subscription'

@description('Tells this deployment\'s role from another\'s.')
param name string

@description('Who publishes image versions.')
param principalId string

param sources ('disk' | 'snapshot' | 'virtualMachine' | 'vhd')[]

// "What RBAC permissions are required to create an ACG image" (Azure Compute Gallery overview): a managed image or an
// image version is read, but a disk, snapshot or virtual machine must be writable, and a VHD's account must give its keys.
var sourceActions = {
  disk: [
    'Microsoft.Compute/disks/write'
    'Microsoft.Compute/disks/beginGetAccess/action'
  ]
  snapshot: [
    'Microsoft.Compute/snapshots/write'
    'Microsoft.Compute/snapshots/beginGetAccess/action'
  ]
  virtualMachine: [
    'Microsoft.Compute/virtualMachines/write'
  ]
  vhd: [
    'Microsoft.Storage/storageAccounts/read'
    'Microsoft.Storage/storageAccounts/write'
    'Microsoft.Storage/storageAccounts/listKeys/action'
  ]
}

// What a plan reads of the subscription itself, and what preparing it asks for (Azure permissions for Management and
// governance, and for Compute).
var subscriptionActions = [
  'Microsoft.Resources/subscriptions/locations/read'
  'Microsoft.Resources/subscriptions/providers/read'
  'Microsoft.Features/providers/features/read'
  'Microsoft.Compute/register/action'
  'Microsoft.Features/providers/features/register/action'
]

// The built-in Compute Gallery Artifacts Publisher may also delete galleries, and cannot read a disk encryption set.
resource role 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(subscription().id, name, 'image-publishing')
  properties: {
    roleName: 'Sigil image publishing (${name}, ${subscription().subscriptionId})'
    description: 'Creates, updates and deletes image versions in existing galleries, after a look at their sources, disk encryption sets and subscription, and registers what they need.'
    type: 'CustomRole'
    assignableScopes: [
      subscription().id
    ]
    permissions: [
      {
        actions: concat(
          [
            'Microsoft.Compute/galleries/read'
            'Microsoft.Compute/galleries/images/read'
            'Microsoft.Compute/galleries/images/versions/read'
            'Microsoft.Compute/galleries/images/versions/write'
            'Microsoft.Compute/galleries/images/versions/delete'
            'Microsoft.Compute/locations/capsOperations/read'
            'Microsoft.Compute/diskEncryptionSets/read'
            'Microsoft.Compute/images/read'
            'Microsoft.Compute/disks/read'
            'Microsoft.Compute/snapshots/read'
            'Microsoft.Compute/virtualMachines/read'
          ],
          subscriptionActions,
          flatten(map(sources, source => sourceActions[source]))
        )
      }
    ]
  }
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(subscription().id, principalId, role.id)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: role.id
  }
}
