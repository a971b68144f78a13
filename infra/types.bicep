@export()
@description('A person, a group, or the identity of an application or a pipeline, by its object id in Entra ID.')
type principal = {
  id: string
  type: 'User' | 'Group' | 'ServicePrincipal'
}

@export()
@description('A kind of source of which Azure asks more than a read; of managed images and image versions it asks no more.')
type sourceKind = 'disk' | 'snapshot' | 'virtualMachine' | 'vhd'

@export()
@description('A subscription in which image versions are published; each is given once.')
type publication = {
  subscriptionId: string

  @description('Resource groups with the galleries; absent: the whole subscription.')
  @minLength(1)
  galleryResourceGroups: string[]?

  @description('Resource groups with the sources; absent: the whole subscription.')
  @minLength(1)
  sourceResourceGroups: string[]?

  @description('Kinds of source that need more than a read.')
  sources: sourceKind[]?

  @description('The resource group in which snapshots of virtual machines are made for versions, and deleted again; absent: none is ever made.')
  captureResourceGroup: string?

  @description('Resource groups with the vaults whose keys are looked after; absent: keys are not read, and said not to be seen.')
  keyVaultResourceGroups: string[]?

  @description('Resource groups in which machines that test image versions are made; absent: none is ever made.')
  testResourceGroups: string[]?

  @description('Ids of the subnets, of this subscription, that these machines may join; they join no other.')
  testSubnets: string[]?
}

@export()
@description('A subscription of the topic of events, and who receives from it.')
type eventSubscription = {
  @minLength(1)
  @maxLength(50)
  name: string
  receivers: principal[]

  @description('Types of events, such as Sigil.ImageVersion.Completed; absent: all.')
  eventTypes: string[]?
}

@export()
type stringMap = {
  *: string
}

@description('A subscription at least; names may have * for any characters.')
type namedResource = {
  subscriptionId: string
  resourceGroupName: string?
  name: string?
}

@description('Every caller with Write may write to every gallery that Sigil may.')
type noGalleryPolicy = {
  kind: 'none'
}

@description('Which callers may write to which galleries: docs/reference/settings.md.')
type galleryPolicyRules = {
  kind: 'rules'
  rules: {
    description: string?
    callers: {
      appId: string?
      objectId: string?
      role: string?
      queue: string?
    }[]
    galleries: {
      subscriptionId: string
      resourceGroupName: string?
      galleryName: string?
    }[]
    sources: namedResource[]?
    diskEncryptionSets: namedResource[]?
    subnets: namedResource[]?
  }[]

  @description('What versions of image definitions pass before they come into latest; absent: nothing.')
  gates: {
    description: string?
    images: {
      subscriptionId: string
      resourceGroupName: string?
      galleryName: string?
      imageName: string?
    }[]
    regions: string[]?
    tests: {
      name: string
      reporters: {
        appId: string?
        objectId: string?
        queue: string?
      }[]?
    }[]
  }[]?
}

@export()
@description('Whether callers are told apart by galleries; it must be said, `none` aloud.')
@discriminator('kind')
type galleryPolicyChoice = noGalleryPolicy | galleryPolicyRules
